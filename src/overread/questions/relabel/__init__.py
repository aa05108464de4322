"""Where are labels wrong, and does it help to repair them?"""
