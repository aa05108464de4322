"""New and changed masks and images that annotators hand in."""
