"""A variant of a source as plans, evaluations and pages know it."""

import re
from typing import Literal, TypeAlias

from pydantic import field_validator

from overread.labels.perturb.mode import StrengthUnit
from overread.labels.perturb.register import REDUCED, check_mode
from overread.records import Result

CONTROL = "control"
"""Name and mode of the variant that is the clean source itself."""

Redraw: TypeAlias = Literal["never", "every_epoch"]
"""Whether the labels are one fixed perturbation, or are perturbed anew in every epoch."""

_LEVEL = re.compile("|".join([r"-0\.\d+", *(rf"(?<=^{name})-\d+" for name in REDUCED)]))


class LabelVariant(Result):
    """Labels that networks learnt.

    Attributes:
        name: `control`, `natural-0.90`, `natural-3d-0.90`, `polygon-7`, …
        mode: kind of error.
        target_dice: Dice with the clean source that was aimed at; 1 for the control, None for polygons.
        achieved_dice: mean Dice of the cases with the clean source; of labels that are redrawn, what the calibration
            expects.
        achieved_range: smallest and largest Dice of a case; None where unknown.
        strength: of the perturbation, None for the control and for polygons.
        strength_unit: unit of the strength; `share` is that of the foreground voxels that are flipped.
        digest: SHA-256 over the masks; empty where labels are redrawn.
    """

    name: str
    mode: str
    target_dice: float | None
    achieved_dice: float
    achieved_range: tuple[float, float] | None = None
    strength: float | None = None
    strength_unit: StrengthUnit | None = None
    digest: str = ""

    @field_validator("mode")
    @classmethod
    def _mode_is_known(cls, mode: str) -> str:
        return mode if mode == CONTROL else check_mode(mode)

    @property
    def series(self) -> str:
        """Name without target Dice or vertices, equal for the variants that differ in these alone (`natural-3d`)."""
        return _LEVEL.sub("", self.name, count=1)
