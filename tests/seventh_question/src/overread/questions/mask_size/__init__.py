"""Do the raters outline equally much?"""
