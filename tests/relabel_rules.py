"""Settings of relabelling that tests share: uncertain voxels change sides, within one limit."""

from typing import Literal

from overread.labels.relabel_rules.change import Flip
from overread.labels.relabel_rules.guards import RelabelGuards
from overread.labels.relabelling import RelabelSettings

WIDE = {"most_growth": 1e9, "most_of_image": 1.0, "least_area": 0.0, "most_refused": 1.0, "least_mean_area": 0.0}
"""Limits that refuse nothing but an empty mask."""


def flip(
    threshold: float = 0.1, *, which: Literal["all", "contradicted"] = "all", largest_change: float | None = 0.5
) -> RelabelSettings:
    """Uncertain voxels change sides, and at most `largest_change` of a label may."""
    guards = RelabelGuards.parse({**WIDE, "largest_change": largest_change}, where="tests")
    return RelabelSettings(change=Flip(threshold=threshold, which=which), guards=guards)
