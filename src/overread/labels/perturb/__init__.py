"""Kinds of label errors: one module each, and the register that lists them."""
