"""What a challenger must keep to."""

from typing import Literal, TypeAlias

from pydantic import Field

from overread.evaluation.results import Interval
from overread.settings import Settings

GateVerdict: TypeAlias = Literal["promote", "hold", "refuse"]

FEWEST_SUBJECTS = 5
"""Held-out subjects below which nothing is told."""

FURTHER_LOSS = 0.02
"""Beyond the margin: how often a network that is worse by both slips through is told with every decision."""

_ROUNDING = 1e-9
"""A figure on its bound keeps to it, whatever its last bits say."""


class GateSettings(Settings):
    """How much worse than the best champion so far a challenger may be, and how far its loads may be off."""

    dice_margin: float = Field(
        0.03, ge=0, le=1, description="Dice that a challenger may lose against the best champion so far"
    )
    load_bias_limit: float = Field(
        0.3, gt=0, description="load bias against the reference, as a share of the reference's mean load"
    )
    risk: float = Field(
        0.2, gt=0, lt=0.5, description="share of challengers worse by just the margin that may slip through"
    )

    def describe(self, reference: str, digest: str) -> str:
        """The terms of the gate, in words; a challenger is judged once by the same terms.

        Args:
            reference: source that it is judged by.
            digest: of the masks of that source.
        """
        return (
            f"judged by {reference} {digest}: Dice margin {self.dice_margin:g}, "
            f"load bias limit {self.load_bias_limit:g}, risk {self.risk:g}"
        )

    def judge_difference(self, difference: Interval) -> GateVerdict:
        """What a Dice difference, challenger minus anchor, allows; bounds that are not known never promote."""
        return _judge(self._allows_difference(difference.estimate), self._allows_difference(difference.low))

    def judge_load_bias(self, bias: Interval) -> GateVerdict:
        """What a load bias allows, by the same rule on either side."""
        return _judge(self._allows_load_bias(bias.estimate), *map(self._allows_load_bias, (bias.low, bias.high)))

    def _allows_difference(self, difference: float) -> bool:
        return difference >= -self.dice_margin - _ROUNDING

    def _allows_load_bias(self, bias: float) -> bool:
        return abs(bias) <= self.load_bias_limit + _ROUNDING


def _judge(is_kept: bool, *bounds_are_kept: bool) -> GateVerdict:
    if not is_kept:
        return "refuse"
    return "promote" if all(bounds_are_kept) else "hold"
