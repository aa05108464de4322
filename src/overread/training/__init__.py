"""Training one network on one source."""
