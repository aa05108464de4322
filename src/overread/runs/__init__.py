"""One module per step of a pipeline: paths in, paths out."""
