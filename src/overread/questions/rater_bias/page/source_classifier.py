"""The section on the source classifier in the report of `rater-bias`: can a network tell who drew a mask?"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from overread.evaluation.results import Interval
from overread.questions.rater_bias.classification_results import HitRate, Origin, SourceClassification
from overread.questions.rater_bias.page.figures.hit_rates import draw_hit_rates
from overread.questions.rater_bias.page.figures.roc_curve import draw_roc_curves
from overread.questions.rater_bias.source_hits import compute_case_rates
from overread.report.figures.canvas import Figure
from overread.report.formatting import format_number, write_interval

if TYPE_CHECKING:
    from pandas import DataFrame

_ROUNDING = 1e-9


@dataclass(frozen=True)
class SourceClassifierSection:
    """What `source_classifier.html.j2` shows, under the name `classifier`.

    Attributes:
        result: the numbers.
        noun: what a source is called, "rater" or "source".
        lead: the finding in a few words.
        rest: the sentence that goes on from there.
        growth: whether predictions are recognised more surely than annotations.
        baseline: whether the shuffled baseline is at chance, and what follows if it is not.
        rows: name and hit rate of each row of the table.
        hit_rates: the figure of all cases.
        roc: the curves, None where there are none.
        positive: what the curves find.
    """

    result: SourceClassification
    noun: str
    lead: str
    rest: str
    growth: str
    baseline: str
    rows: tuple[tuple[str, HitRate], ...]
    hit_rates: Figure
    roc: Figure | None
    positive: str


def build_source_classifier_section(
    classification: SourceClassification, hits: "DataFrame", *, noun: str
) -> SourceClassifierSection:
    """Word the findings and draw the figures.

    Args:
        classification: the numbers.
        hits: the per-case table, HIT_COLUMNS.
        noun: what to call a source, "rater" or "source".
    """
    lead, rest = word_recognition(classification, noun=noun)
    positive = name_positive(classification.sources)
    return SourceClassifierSection(
        result=classification,
        noun=noun,
        lead=lead,
        rest=rest,
        growth=word_growth(classification.growth, noun=noun),
        baseline=word_baseline(classification, noun=noun),
        rows=tuple((_name_row(rate, noun), rate) for rate in classification.hit_rates),
        hit_rates=draw_hit_rates(classification, compute_case_rates(hits)),
        roc=draw_roc_curves(classification.rocs, positive=positive) if classification.rocs else None,
        positive=positive,
    )


def word_recognition(classification: SourceClassification, *, noun: str) -> tuple[str, str]:
    """Say in a few words, and in a sentence, whether the sources are told apart by their annotations."""
    rate = classification.find_hit_rate("annotation")
    if rate is None:
        return "Not known:", f"no held-out case was outlined by a {noun}."
    written, chance = write_interval(rate.interval), format_number(classification.chance, 3)
    numbers = f"hit rate {written.estimate} ({written.bounds}), chance is {chance}."
    if not _is_known(rate.interval):
        return "Not known:", f"all held-out cases are of one subject; {numbers}"
    if rate.interval.low > classification.chance:
        return f"The {noun}s can be told apart:", f"on held-out cases, a network recognises who drew a mask; {numbers}"
    if rate.interval.high < classification.chance:
        return "The wrong way round:", f"a network takes one {noun} for another more often than chance would; {numbers}"
    return f"The {noun}s were not told apart:", f"a network recognises them no better than chance; {numbers}"


def word_growth(growth: Interval | None, *, noun: str) -> str:
    """Say whether the networks' predictions are recognised more surely than the sources' own annotations."""
    if growth is None:
        return f"There is no case with masks of the {noun}s and of their networks, so the two cannot be compared."
    written = write_interval(growth)
    numbers = f"{written.estimate} ({written.bounds}) in hit rate per case"
    compared = f"to tell apart than the {noun}s themselves"
    if not _is_known(growth) or growth.low <= 0 <= growth.high:
        return f"Whether their networks are easier {compared} is open: a change of {numbers}."
    if growth.low > 0:
        return f"Their networks are easier {compared}: {numbers}. What sets the {noun}s apart became more consistent."
    return f"Their networks are harder {compared}: {numbers}."


def word_baseline(classification: SourceClassification, *, noun: str) -> str:
    """Say whether a classifier that learnt from permuted sources is at chance, as it should be."""
    origins: tuple[Origin, ...] = ("annotation", "prediction")
    rates = [classification.find_hit_rate(origin, shuffled=True) for origin in origins]
    written = [(f"{rate.origin}s", write_interval(rate.interval)) for rate in rates if rate is not None]
    numbers = " and ".join(f"{one.estimate} ({one.bounds}) for {name}" for name, one in written)
    start = f"Where the {noun}s of each training case are permuted, the hit rate is {numbers}"
    if any(rate is not None and _excludes(rate.interval, classification.chance) for rate in rates):
        return (
            f"{start}. An interval leaves out chance, which can happen by accident where there are few subjects; if it "
            f"happens with other seeds too, something else than the drawing gives the {noun}s away."
        )
    return f"{start}, which agrees with chance, as it should."


def name_positive(sources: Sequence[str]) -> str:
    """What the curves find: the first of two sources, or each of more."""
    return f"{sources[0]}, not {sources[1]}" if len(sources) == 2 else "each against the rest, averaged"


def _name_row(rate: HitRate, noun: str) -> str:
    name = f"{noun}s" if rate.origin == "annotation" else "their networks"
    return f"{name}, shuffled in training" if rate.shuffled else name


def _is_known(interval: Interval) -> bool:
    return math.isfinite(interval.low) and math.isfinite(interval.high)


def _excludes(interval: Interval, value: float) -> bool:
    return interval.low > value + _ROUNDING or interval.high < value - _ROUNDING
