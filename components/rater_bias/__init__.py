"""Components of `rater-bias` alone."""
