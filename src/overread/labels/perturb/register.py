"""The kinds of label errors that there are, in the order of tables and figures."""

from collections.abc import Mapping
from typing import Any

from overread.labels.perturb.choppy import CHOPPY
from overread.labels.perturb.mode import PerturbationMode
from overread.labels.perturb.natural import NATURAL
from overread.labels.perturb.polygon import POLYGON
from overread.labels.perturb.random_flips import RANDOM

MODES: Mapping[str, PerturbationMode[Any]] = {mode.name: mode for mode in (NATURAL, CHOPPY, RANDOM, POLYGON)}
CALIBRATED = tuple(mode.name for mode in MODES.values() if mode.strength is not None)
"""Modes whose errors are made as large as a Dice says."""
REDUCED = tuple(mode.name for mode in MODES.values() if mode.strength is None)
"""Modes whose errors are as large as a number of vertices makes them."""


def check_mode(name: str) -> str:
    """Check that there is a mode of that name.

    Raises:
        ValueError: there is none.
    """
    if name not in MODES:
        raise ValueError(f"must be one of {', '.join(f'{mode.name} ({mode.title})' for mode in MODES.values())}")
    return name
