"""The rules by which a finding is borne out or contradicted."""

from collections.abc import Sequence

from overread.evaluation.results import Interval
from overread.questions.label_noise.results import Verdict

MARGIN = 0.02
"""Losses of Dice below this count as hardly any."""

_ROUNDING = 1e-12
"""Differences of Dice that equal arithmetic in another order can make."""

CLAIMS = {
    "boundary_hurts": "Boundary errors (natural, choppy) lower test Dice steadily.",
    "random_hurts_less": "Random errors hurt less than boundary errors of the same label Dice.",
    "random_harmless": "Even the strongest random errors hardly change test Dice.",
    "unet_resists_choppy": "The U-Net resists large choppy errors best.",
}
RULES = {
    "boundary_hurts": (
        "Slope of test Dice over label Dice. Borne out if the interval lies above 0 for every boundary mode tried, "
        "contradicted if it lies below 0 for one of them, otherwise undecided."
    ),
    "random_hurts_less": (
        "Slope for random errors minus the mean slope for boundary errors, per case. Borne out if the interval lies "
        "below 0, contradicted if it lies above 0, otherwise undecided."
    ),
    "random_harmless": (
        f"Loss against the control at the strongest random errors. Borne out if the interval lies within ±{MARGIN} "
        "Dice, contradicted if it lies wholly outside, otherwise undecided."
    ),
    "unet_resists_choppy": (
        "Loss of the U-Net minus loss of another network at the strongest choppy errors, per case. Borne out if the "
        "interval lies below 0 for every other network, contradicted if it lies above 0 for one of them, otherwise "
        "undecided."
    ),
}
"""How each verdict is reached, from bootstrap intervals over subjects that are not corrected for their number.

With a single subject an interval is unknown and the verdict is "undecided"; without the trainings that a finding needs
it is "not tested". The strongest errors of a mode are those of the variant with the lowest achieved label Dice among
those that the networks were trained on.
"""


def judge_sign(intervals: Sequence[Interval], *, wanted: int) -> Verdict:
    """Whether all intervals lie on the wanted side of 0 (1 above, -1 below), or one on the other side."""
    if not intervals:
        return "not tested"
    signs = [int(interval.low > _ROUNDING) - int(interval.high < -_ROUNDING) for interval in intervals]
    if all(sign == wanted for sign in signs):
        return "borne out"
    return "contradicted" if -wanted in signs else "undecided"


def judge_margin(interval: Interval | None, *, margin: float = MARGIN) -> Verdict:
    """Whether an interval lies within ± the margin, or wholly outside."""
    if interval is None:
        return "not tested"
    if -margin <= interval.low + _ROUNDING and interval.high - _ROUNDING <= margin:
        return "borne out"
    return "contradicted" if interval.low > margin or interval.high < -margin else "undecided"
