"""The client of Kubeflow Pipelines, and its runner on this machine."""
