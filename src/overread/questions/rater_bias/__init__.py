"""Does it matter which rater trained my network?"""
