"""A study on disk: open, check, import, export, split."""
