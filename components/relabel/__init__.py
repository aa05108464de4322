"""Components of `relabel` alone."""
