"""Components of `crowd-disagreement` alone."""
