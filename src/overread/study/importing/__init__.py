"""From somebody else's layout to a study: one reader per layout, one writer for all."""
