"""The steps of `mask-size`."""
