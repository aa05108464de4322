"""Components of `acquisition-bias` alone."""
