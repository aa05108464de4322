"""Components of `retrain` alone."""
