"""Kubeflow components, one per file, in a room per question: paths in, one step of Overread, outputs."""
