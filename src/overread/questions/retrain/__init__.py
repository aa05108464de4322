"""Is a network trained on new labels better than the one in use?"""
