"""Can a network tell who made the scanner?"""
