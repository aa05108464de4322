"""Limits on what a repair of labels may do, to one case and to all of them together."""

from collections.abc import Sequence
from typing import Literal, TypeAlias

import numpy as np
from pydantic import Field

from overread.settings import Settings
from overread.types import Mask

Refusal: TypeAlias = Literal["", "empty", "growth", "share of the image", "loss", "change"]
"""Why a case is left alone: nothing would be left of its label, it would grow too much, cover too much of the image,
lose too much, or change too much; empty where it is not."""


class RelabelGuards(Settings):
    """Which new masks are refused; a refused case keeps its label.

    A mask is never emptied, whatever these limits say, and one that is empty stays so.
    """

    most_growth: float = Field(
        4.0, ge=1, description="largest area (3D: volume) of a new mask as a multiple of the label's own"
    )
    most_of_image: float = Field(0.6, gt=0, le=1, description="largest share of all voxels of an image in a new mask")
    least_area: float = Field(
        0.1, ge=0, le=1, description="smallest area (3D: volume) of a new mask as a share of the label's own"
    )
    largest_change: float | None = Field(
        None, gt=0, description="voxels that may change, as a share of the label's own; null for no such limit"
    )
    most_refused: float = Field(
        0.5, gt=0, le=1, description="with a larger share of refused cases nothing is relabelled at all"
    )
    least_mean_area: float = Field(
        0.5,
        ge=0,
        le=1,
        description="nothing is relabelled where new masks have less of their labels' area than this, mean over cases",
    )

    def refuse(self, mask: Mask, proposal: Mask, *, image_size: int = 0) -> Refusal:
        """Why a new mask is refused; empty for one that is not, or that changes nothing.

        Args:
            mask: (*S) the label.
            proposal: (*S) the new mask.
            image_size: voxels of the whole image, where both masks are a part of it; 0 where they are not.
        """
        old, new = int(np.count_nonzero(mask)), int(np.count_nonzero(proposal))
        changed = int(np.count_nonzero(mask ^ proposal))
        if not changed:
            return ""
        if not new:
            return "empty"
        if not old or new > self.most_growth * old:
            return "growth"
        if new > self.most_of_image * (image_size or mask.size) and new > old:
            return "share of the image"
        if new < self.least_area * old:
            return "loss"
        limit = self.largest_change
        return "change" if limit is not None and changed > limit * old else ""

    def judge(self, refusals: Sequence[Refusal], area_ratios: Sequence[float]) -> str:
        """Why nothing should be relabelled at all; empty where nothing speaks against it.

        Args:
            refusals: of each case.
            area_ratios: area of the proposed mask of each case, refused ones included, as a multiple of its label's;
                not finite where that is empty.
        """
        refused = sum(bool(refusal) for refusal in refusals)
        if refusals and refused > self.most_refused * len(refusals):
            return f"{refused} of {len(refusals)} new masks were refused, more than {self.most_refused:.0%}"
        known = [ratio for ratio in area_ratios if np.isfinite(ratio)]
        if known and float(np.mean(known)) < self.least_mean_area:
            return f"new masks have {np.mean(known):.0%} of their labels' area, less than {self.least_mean_area:.0%}"
        return ""
