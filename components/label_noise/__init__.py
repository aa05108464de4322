"""Components of `label-noise` alone."""
