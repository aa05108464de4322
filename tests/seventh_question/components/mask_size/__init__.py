"""Components of `mask-size` alone."""
