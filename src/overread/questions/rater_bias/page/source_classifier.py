"""The section about telling raters apart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from overread.evaluation.results import Obstacle
from overread.evaluation.roc import RocCurve
from overread.questions.rater_bias.classification_results import ORIGINS, HitRate, Origin, SourceClassification
from overread.questions.rater_bias.source_hits import compute_case_rates
from overread.report.figures.canvas import Figure, add_value_grid, finish_drawing, start_drawing
from overread.report.formatting import format_count, format_dice, format_number, format_p, write_interval
from overread.report.judgement import write_estimate
from overread.report.palette import GRID, INK, MUTED
from overread.report.table import Column, Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from pandas import DataFrame

_WIDTH_PX, _HEIGHT_PX = 350, 320
_LINES: dict[Origin, tuple[str, str]] = {"annotation": ("solid", INK), "prediction": ("dashed", "#0072b2")}


def draw_roc_curves(curves: Mapping[Origin, RocCurve], *, positive: str) -> Figure:
    """Draw one curve per origin, and the diagonal of guessing.

    Args:
        curves: at least one.
        positive: what is to be found, for the text alternative.
    """
    with start_drawing(_WIDTH_PX, _HEIGHT_PX) as drawing:
        axes = drawing.add_subplot()
        axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1.2, linestyle=(0, (1, 2)))
        for origin, curve in curves.items():
            style, colour = _LINES[origin]
            label = f"{origin}s, area {format_dice(curve.auc)}"
            axes.plot(curve.fpr, curve.tpr, color=colour, linewidth=1.8, linestyle=style, label=label)
        axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xlabel="false positive rate", ylabel="true positive rate")
        axes.legend(loc="lower right", frameon=False)
        add_value_grid(axes)
        areas = "; ".join(f"{origin}s: area {format_dice(curve.auc)}" for origin, curve in curves.items())
        return finish_drawing(drawing, f"Receiver operating characteristic of finding {positive}: {areas}.")


_HIT_RATES_WIDTH_PX, _HIT_RATES_HEIGHT_PX = 440, 320
_SPREAD = 0.34
_MEAN_OFFSET = 0.3
_FILL = "#7ba7c7"
_COLUMNS: tuple[tuple[str, Origin, bool], ...] = (
    ("annotations", "annotation", False),
    ("predictions", "prediction", False),
    ("annotations,\nshuffled", "annotation", True),
    ("predictions,\nshuffled", "prediction", True),
)


def draw_hit_rates(classification: SourceClassification, case_rates: "DataFrame") -> Figure:
    """Draw one mark per case, annotations tied to predictions, and beside them the mean with its interval.

    A shaded band marks what chance alone gives.

    Args:
        classification: the means.
        case_rates: columns case_id, origin, shuffled and hit_rate.
    """
    with start_drawing(_HIT_RATES_WIDTH_PX, _HIT_RATES_HEIGHT_PX) as drawing:
        axes = drawing.add_subplot()
        if classification.chance_band:
            axes.axhspan(*classification.chance_band, color=GRID, alpha=0.6, linewidth=0, zorder=0)
        axes.axhline(classification.chance, color=MUTED, linewidth=1.2, linestyle=(0, (4, 3)))
        axes.annotate("chance", (0.005, classification.chance), (0, 3), ("axes fraction", "data"), "offset points")
        _tie_cases(axes, case_rates)
        for place, (_, origin, shuffled) in enumerate(_COLUMNS):
            rates = _select(case_rates, origin, shuffled)
            axes.scatter(
                _spread(place, len(rates)),
                list(rates.values()),
                s=24,
                facecolor="white" if shuffled else _FILL,
                edgecolor=MUTED if shuffled else INK,
                linewidth=0.9,
                zorder=3,
            )
            if rate := classification.find_hit_rate(origin, shuffled=shuffled):
                _draw_mean(axes, place + _MEAN_OFFSET, rate)
        axes.set(xlim=(-0.5, len(_COLUMNS) - 0.4), ylim=(-0.03, 1.03), ylabel="share of patches recognised")
        axes.set_xticks(range(len(_COLUMNS)), [name for name, _, _ in _COLUMNS])
        axes.tick_params(axis="x", length=0)
        add_value_grid(axes)
        return finish_drawing(drawing, _describe(classification))


def _tie_cases(axes: "Axes", case_rates: "DataFrame") -> None:
    columns = [_select(case_rates, origin, False) for origin in ORIGINS]
    places = [dict(zip(rates, _spread(place, len(rates)), strict=True)) for place, rates in enumerate(columns)]
    for case_id in sorted(columns[0].keys() & columns[1].keys()):
        ends = [place[case_id] for place in places], [rates[case_id] for rates in columns]
        axes.plot(*ends, color=MUTED, linewidth=0.8, alpha=0.6, zorder=2)


def _select(case_rates: "DataFrame", origin: Origin, shuffled: bool) -> dict[str, float]:
    rows = case_rates[(case_rates["origin"] == origin) & (case_rates["shuffled"] == shuffled)].sort_values("case_id")
    return dict(zip(rows["case_id"], rows["hit_rate"], strict=True))


def _spread(place: int, count: int) -> NDArray[np.float64]:
    """Where the cases of a column stand, side by side so that equal rates do not hide each other."""
    return place + _SPREAD * (np.linspace(-0.5, 0.5, count) if count > 1 else np.zeros(count))


def _draw_mean(axes: "Axes", place: float, rate: HitRate) -> None:
    interval = rate.interval
    axes.plot([place, place], [interval.low, interval.high], color=INK, linewidth=2, solid_capstyle="butt", zorder=4)
    axes.plot(place, interval.estimate, "D", color=INK, markersize=6, zorder=4)


def _describe(classification: SourceClassification) -> str:
    parts = []
    for name, origin, shuffled in _COLUMNS:
        if rate := classification.find_hit_rate(origin, shuffled=shuffled):
            written = write_interval(rate.interval)
            count = format_count(rate.case_count, "case")
            parts.append(f"{name.replace(chr(10), ' ')}: {written.estimate} ({written.bounds}), {count}")
    band = f" ({write_band(classification)})" if classification.chance_band else ""
    return f"Hit rates per case, chance is {format_dice(classification.chance)}{band}. Means: {'; '.join(parts)}."


def write_band(classification: SourceClassification) -> str:
    """Write the hit rates that chance alone gives, "0.412 to 0.588"; empty where they are unknown."""
    return " to ".join(format_dice(end) for end in classification.chance_band or ())


_OBSTACLES: dict[Obstacle, str] = {
    "": "",
    "few subjects": "Fewer than 6 subjects were held out, too few for an interval that holds what it says.",
    "few trainings": "Two classifiers are too few to tell recognition from luck in training: run with folds=5.",
    "many folds": "No interval is known to hold for more than 5 folds: run with folds=5.",
}


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
        band: the hit rates that chance alone gives; empty where they are unknown.
        table: the hit rates.
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
    band: str
    table: Table
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
        growth=word_growth(classification, noun=noun),
        baseline=word_baseline(classification, noun=noun),
        band=word_band(classification),
        table=build_hit_table(classification, noun=noun),
        hit_rates=draw_hit_rates(classification, compute_case_rates(hits)),
        roc=draw_roc_curves(classification.rocs, positive=positive) if classification.rocs else None,
        positive=positive,
    )


def build_hit_table(classification: SourceClassification, *, noun: str) -> Table:
    """Hit rates of all masks and of each source's own."""
    chance = format_number(classification.chance, 3)
    return Table(
        label="Hit rates",
        columns=[
            "Masks of",
            Column("Cases", "number"),
            Column("Patches", "number"),
            Column("Mean ± std", "number"),
            "Interval",
            "Above chance",
            *(Column(source, "number") for source in classification.sources),
        ],
        rows=[
            [
                _name_row(rate, noun),
                str(rate.case_count),
                format_number(rate.patch_count, 0),
                f"{format_number(rate.interval.estimate, 3)} ± {format_number(rate.std, 3)}",
                write_interval(rate.interval).bounds,
                format_p(rate.p_above),
                *(format_number(rate.by_source.get(source), 3) for source in classification.sources),
            ]
            for rate in classification.hit_rates
        ],
        caption=f"Hit rate: share of a case's patches whose {noun} is recognised; chance is {chance}",
    )


def word_recognition(classification: SourceClassification, *, noun: str) -> tuple[str, str]:
    """Say in a few words, and in a sentence, whether the sources are told apart by their annotations."""
    rate, chance = classification.find_hit_rate("annotation"), format_number(classification.chance, 3)
    if rate is None:
        return "Cannot tell:", f"no held-out case was outlined by a {noun}."
    numbers = f"hit rate {write_estimate(rate.interval)}, chance is {chance}."
    if classification.verdict == "told":
        return "Told apart:", f"on held-out cases, a network recognises which {noun} drew a mask; {numbers}"
    return "Cannot tell:", f"{numbers} {_word_doubt(rate, classification, noun)}"


def _word_doubt(rate: HitRate, classification: SourceClassification, noun: str) -> str:
    if not rate.interval.is_valid:
        return _OBSTACLES[rate.interval.obstacle]
    if rate.is_above_chance:
        return "It lies above chance, but so does that of the control, so nothing is concluded."
    detectable = format_number(min(classification.chance + rate.interval.smallest_detectable, 1.0), 3)
    return (
        f"That may be chance. It does not show that the {noun}s draw alike: a study like this tells them apart at a "
        f"hit rate of about {detectable} three times out of four."
    )


def word_growth(classification: SourceClassification, *, noun: str) -> str:
    """Say whether the networks' predictions are recognised more surely than the sources' own annotations."""
    growth = classification.growth
    if growth is None:
        return f"There is no case with masks of the {noun}s and of their networks, so the two cannot be compared."
    numbers = f"{write_estimate(growth)} in hit rate"
    compared = f"to tell apart than the {noun}s themselves"
    match classification.growth_verdict:
        case "yes":
            return (
                f"Their networks are easier {compared}: {numbers}. What sets the {noun}s apart became more consistent."
            )
        case "the wrong way round":
            return f"Their networks are harder {compared}: {numbers}."
        case "no difference that matters":
            less = f"below the {classification.matters:g} that this page calls a difference"
            return f"Their networks are about as easy to tell apart as the {noun}s themselves: {numbers}, {less}."
        case _:
            return f"Whether their networks are easier {compared} cannot be told: a change of {numbers}."


def word_baseline(classification: SourceClassification, *, noun: str) -> str:
    """Say whether the control, a classifier that learnt from permuted sources, is at chance, as it should be."""
    rates = [classification.find_hit_rate(origin, shuffled=True) for origin in ORIGINS]
    known = [rate for rate in rates if rate is not None]
    if not known:
        return ""
    numbers = " and ".join(f"{write_estimate(rate.interval)} for {rate.origin}s" for rate in known)
    start = f"Control: where the {noun}s of each training case are permuted, the hit rate is {numbers}"
    if any(rate.is_above_chance for rate in known):
        return (
            f"{start}. By the rule that the {noun}s are judged by, one lies above chance. That can happen by accident; "
            f"if it happens with other seeds too, something else than the drawing gives the {noun}s away."
        )
    if any(rate.p_above is None for rate in known):
        return f"{start}."
    return f"{start}, not shown to be above chance, as it should be."


def word_band(classification: SourceClassification) -> str:
    """Say which hit rates chance alone gives; empty where they are unknown."""
    rate = classification.find_hit_rate("annotation", shuffled=True)
    if rate is None or not classification.chance_band:
        return ""
    subjects = format_count(rate.interval.subject_count, "subject")
    return (
        f"Chance alone gives hit rates of {write_band(classification)} with {subjects} in "
        f"{format_count(classification.fold_count, 'fold')}: {format_number(classification.chance, 3)} ± 2 standard "
        "deviations, by how the subjects of the control scatter."
    )


def name_positive(sources: Sequence[str]) -> str:
    """What the curves find: the first of two sources, or each of more."""
    return f"{sources[0]}, not {sources[1]}" if len(sources) == 2 else "each against the rest, averaged"


def _name_row(rate: HitRate, noun: str) -> str:
    name = f"{noun}s" if rate.origin == "annotation" else "their networks"
    return f"{name}, shuffled in training" if rate.shuffled else name
