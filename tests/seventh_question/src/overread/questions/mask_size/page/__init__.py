"""The page of `mask-size`."""
