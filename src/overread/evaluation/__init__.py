"""Comparing one label set with another."""
