"""Where each part of the demo study gets its random numbers from."""

from typing import Literal, TypeAlias

import numpy as np

Stage: TypeAlias = Literal["cohort", "subject", "visit", "ratings"]

_STAGES: dict[Stage, int] = {"cohort": 0, "subject": 1, "visit": 2, "ratings": 3}


def spawn_generator(seed: int, stage: Stage, *index: int) -> np.random.Generator:
    """A generator that depends on `seed`, `stage` and `index` only, so that no part's numbers move another part's."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(_STAGES[stage], *index)))
