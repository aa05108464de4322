"""Overread measures how annotators, scanners and label quality shape a segmentation network."""

__version__ = "0.1.0"
