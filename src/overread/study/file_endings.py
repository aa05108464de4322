"""The file name endings of images and masks, in lower case."""

VOLUME_SUFFIX = ".nii.gz"
IMAGE_SUFFIX = ".png"
NIFTI_SUFFIXES = (".nii.gz", ".nii")
RASTER_SUFFIXES = (*NIFTI_SUFFIXES, IMAGE_SUFFIX, ".tiff", ".tif")
"""Endings of files that can be read."""
