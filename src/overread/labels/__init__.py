"""Masks in, masks out."""
