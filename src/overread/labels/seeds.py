"""Where each part of a variant gets its random numbers from."""

import hashlib

import numpy as np

_LARGEST_SEED = 2**63


def seed_generator(*parts: str | int) -> np.random.Generator:
    """A generator that depends on its parts alone, through SHA-256, and not on what was drawn before."""
    digest = hashlib.sha256("\0".join(map(str, parts)).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16]))


def draw_seed(generator: np.random.Generator) -> int:
    """A seed for the record of a perturbation."""
    return int(generator.integers(_LARGEST_SEED))
