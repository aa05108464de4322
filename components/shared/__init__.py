"""Components of several pipelines."""
