"""From a study to the layouts that other tools read."""
