"""The gate of retraining: may a newly trained network take the place of the present one?

A challenger passes where two figures over the held-out cases keep to their bounds:

- Dice against the reference, challenger minus champion, is not below minus the margin; asked only where there is a
  champion;
- load bias, the challenger's mean load minus the reference's as a share of the latter, is not beyond ± the limit.

Each has a bootstrap interval over subjects. An interval that reaches over the bound while the figure keeps to it is no
reason to refuse, but is said: with few cases nearly every interval does.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from pydantic import Field

from overread.errors import InputError
from overread.evaluation.bootstrap import bootstrap_mean, bootstrap_ratio
from overread.evaluation.results import Interval
from overread.settings import Settings

if TYPE_CHECKING:
    import pandas as pd

_ROUNDING = 1e-9
"""A figure on its bound keeps to it, whatever its last bits say."""


class GateSettings(Settings):
    """How much worse than the champion a challenger may be, and how far its loads may be off."""

    dice_margin: float = Field(0.03, ge=0, le=1, description="Dice that a challenger may lose against the champion")
    load_bias_limit: float = Field(
        0.3, gt=0, description="load bias against the reference, as a share of the reference's mean load"
    )
    min_cases: int = Field(5, ge=2, description="held-out cases that must count for a decision")

    def describe(self, reference: str, digest: str) -> str:
        """The terms of the gate, in words; a challenger is judged once by the same terms.

        Args:
            reference: source that it is judged by.
            digest: of the masks of that source.
        """
        return (
            f"judged by {reference} {digest}: Dice margin {self.dice_margin:g}, "
            f"load bias limit {self.load_bias_limit:g}, {self.min_cases} cases or more"
        )

    def allows_difference(self, difference: float) -> bool:
        """Whether a Dice difference, challenger minus champion, keeps to the margin; not-a-number does not."""
        return difference >= -self.dice_margin - _ROUNDING

    def allows_load_bias(self, bias: float) -> bool:
        """Whether a load bias keeps to the limit; not-a-number does not."""
        return abs(bias) <= self.load_bias_limit + _ROUNDING


class GateFigures(Settings):
    """What the gate sees of a challenger.

    Attributes:
        case_count: held-out cases that count.
        challenger_dice: mean Dice against the reference; None without a case.
        champion_dice: the same of the champion; None without one.
        dice_difference: challenger minus champion, paired by case.
        load_bias: of the challenger; None where the reference has labelled no voxel.
        champion_load_bias: the same of the champion.
        reasons: why the challenger is refused, a sentence each; empty where it passes.
        cautions: where an interval leaves it open whether a bound is kept, a sentence each.
    """

    case_count: int
    challenger_dice: Interval | None = None
    champion_dice: Interval | None = None
    dice_difference: Interval | None = None
    load_bias: Interval | None = None
    champion_load_bias: Interval | None = None
    reasons: tuple[str, ...] = ()
    cautions: tuple[str, ...] = ()

    @property
    def passes(self) -> bool:
        """Whether the challenger may become champion."""
        return not self.reasons


def apply_gate(
    challenger: "pd.DataFrame", champion: "pd.DataFrame | None", *, settings: GateSettings, seed: int
) -> GateFigures:
    """Compare a challenger with the champion on the same held-out cases.

    Args:
        challenger: its masks against the reference's, COMPARISON_COLUMNS, one row per case that counts.
        champion: the same of the champion, of the same cases; None without a champion.
        settings: margin, limit and number of cases.
        seed: of the bootstrap.

    Raises:
        InputError: the two tables are about different cases.
    """
    if champion is not None and sorted(champion["case_id"]) != sorted(challenger["case_id"]):
        raise InputError(
            "challenger and champion must be compared on the same cases",
            found=f"{len(challenger)} and {len(champion)} cases",
        )
    if len(challenger) < settings.min_cases:
        return GateFigures(case_count=len(challenger), reasons=(_word_few_cases(len(challenger), champion, settings),))
    figures = _compute_figures(challenger, champion, seed)
    reasons, cautions = _find_reasons(figures, settings), _find_cautions(figures, settings)
    return figures.model_copy(update={"reasons": tuple(reasons), "cautions": tuple(cautions)})


def _compute_figures(challenger: "pd.DataFrame", champion: "pd.DataFrame | None", seed: int) -> GateFigures:
    figures = GateFigures(
        case_count=len(challenger),
        challenger_dice=_summarise_dice(challenger, seed),
        load_bias=_compute_load_bias(challenger, seed),
    )
    if champion is None:
        return figures
    paired = challenger.merge(champion, on="case_id", suffixes=("", "_champion"))
    difference = (paired["dice"] - paired["dice_champion"]).tolist()
    return figures.model_copy(
        update={
            "champion_dice": _summarise_dice(champion, seed),
            "dice_difference": bootstrap_mean(difference, paired["subject_id"].tolist(), seed=seed),
            "champion_load_bias": _compute_load_bias(champion, seed),
        }
    )


def _summarise_dice(comparisons: "pd.DataFrame", seed: int) -> Interval:
    return bootstrap_mean(comparisons["dice"].tolist(), comparisons["subject_id"].tolist(), seed=seed)


def _compute_load_bias(comparisons: "pd.DataFrame", seed: int) -> Interval | None:
    references = comparisons["reference_load"].tolist()
    if not sum(references) > 0:
        return None
    differences = (comparisons["prediction_load"] - comparisons["reference_load"]).tolist()
    return bootstrap_ratio(differences, references, comparisons["subject_id"].tolist(), seed=seed)


def _find_reasons(figures: GateFigures, settings: GateSettings) -> list[str]:
    difference, bias, found = figures.dice_difference, figures.load_bias, []
    if difference is not None and not settings.allows_difference(difference.estimate):
        found.append(f"Its Dice is lower than the champion's {_word_margin(difference, settings)}")
    if bias is None:
        found.append("The load bias cannot be told: the reference has labelled no voxel of the cases that count.")
    elif not settings.allows_load_bias(bias.estimate):
        found.append(f"Its load bias lies beyond {_word_limit(bias, settings)}")
    return found


def _find_cautions(figures: GateFigures, settings: GateSettings) -> list[str]:
    """Bounds that the figure keeps to and its interval does not; that of a single subject is not known."""
    difference, bias, found = figures.dice_difference, figures.load_bias, []
    if difference is not None and settings.allows_difference(difference.estimate):
        is_open = not settings.allows_difference(difference.low)
        found += [
            f"It may be that its Dice is lower than the champion's {_word_margin(difference, settings)}"
        ] * is_open
    if bias is not None and settings.allows_load_bias(bias.estimate):
        is_open = not (settings.allows_load_bias(bias.low) and settings.allows_load_bias(bias.high))
        found += [f"It may be that its load bias lies beyond {_word_limit(bias, settings)}"] * is_open
    return found


def _word_few_cases(count: int, champion: "pd.DataFrame | None", settings: GateSettings) -> str:
    which = "labelled by the reference" if champion is None else "whose mask is the one that the champion was judged by"
    return f"Only {count} held-out cases count, those {which}, and the gate asks for {settings.min_cases}."


def _word_margin(difference: Interval, settings: GateSettings) -> str:
    return f"by more than {settings.dice_margin:g}: {_write(difference)}."


def _word_limit(bias: Interval, settings: GateSettings) -> str:
    return f"±{settings.load_bias_limit:g} of the reference's mean load: {_write(bias)}."


def _write(interval: Interval) -> str:
    bounds = f"{interval.low:+z.3f} to {interval.high:+z.3f}"
    return f"{interval.estimate:+z.3f}, {100 * interval.confidence:g} % interval {bounds}"


def select_counted(
    comparisons: "pd.DataFrame", digests: Mapping[str, str], vouched: Mapping[str, str] | None
) -> Sequence[str]:
    """Cases whose reference mask is the one that the champion was judged by; all of them without a champion.

    A batch that changes the masks which a network is judged by cannot speak for itself, and masks of new cases neither;
    they count from the next champion on.

    Args:
        comparisons: of the challenger against the reference.
        digests: of the reference masks now, by case.
        vouched: of the reference masks when the champion was judged, by case; None without a champion.
    """
    cases = comparisons["case_id"].tolist()
    return cases if vouched is None else [case for case in cases if vouched.get(case) == digests[case]]
