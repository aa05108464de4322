"""Kubeflow pipelines, one graph per file; `python -m pipelines` lists, runs and compiles them."""
