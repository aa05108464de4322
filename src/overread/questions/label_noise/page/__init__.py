"""What the report shows and says."""
