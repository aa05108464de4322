"""Kubeflow components, one per file: paths in, one step of Overread, outputs."""
