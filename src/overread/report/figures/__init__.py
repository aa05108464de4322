"""The figures of the reports, one per file."""
