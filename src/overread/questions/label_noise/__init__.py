"""How much do imperfect labels matter?"""
