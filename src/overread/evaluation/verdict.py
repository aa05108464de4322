"""What an estimate says about its question, always in the same order and by the same rule."""

from typing import Literal, TypeAlias

from overread.evaluation.matters import Matters
from overread.evaluation.results import Estimate

Verdict: TypeAlias = Literal[
    "learnt too little", "cannot tell", "no difference that matters", "yes", "the wrong way round"
]

DICE_THAT_MATTERS = Matters().dice
LOAD_THAT_MATTERS = Matters().load
AUROC_THAT_MATTERS = Matters().auroc
"""Smallest effects that a page calls a difference unless a preset says otherwise, see `Matters`."""

_SIGNIFICANCE = 0.05


def judge(estimate: Estimate, *, matters: float, has_learnt: bool = True, corrected_p: float | None = None) -> Verdict:
    """Read a difference that is expected to be above 0.

    Args:
        estimate: of the difference.
        matters: smallest difference that matters, above 0, in the unit of the estimate.
        has_learnt: whether the networks learnt enough to show one, see `Skill`.
        corrected_p: p of the estimate, corrected for the number of differences that are judged together; None for a
            single one.
    """
    if not has_learnt:
        return "learnt too little"
    if not estimate.is_valid:
        return "cannot tell"
    if -matters < estimate.low and estimate.high < matters:
        return "no difference that matters"
    is_clear = estimate.excludes_zero and (corrected_p is None or corrected_p <= _SIGNIFICANCE)
    if not is_clear:
        return "cannot tell"
    return "yes" if estimate.low > 0 else "the wrong way round"


def may_be_less(estimate: Estimate, *, matters: float) -> bool:
    """Whether a difference that is above 0 may still be smaller than what matters."""
    return estimate.low < matters
