"""Does the disagreement of annotators tell an outcome?"""
