"""The tables of skill, pairs, consensus networks, loads and coverage."""

from collections.abc import Sequence
from dataclasses import dataclass

from overread.evaluation.results import name_network
from overread.evaluation.verdict import Verdict
from overread.questions.rater_bias.page.load_contrast import LoadContrast
from overread.questions.rater_bias.page.load_wording import write_share
from overread.questions.rater_bias.page.wording import SUBJECTS_ONLY
from overread.questions.rater_bias.results import CrossEvaluation, Effect
from overread.report.formatting import (
    ABSENT,
    format_confidence,
    format_dice,
    format_interval,
    format_load,
    format_number,
    format_p,
)
from overread.report.table import Cell, CellContent, Column, Table


def build_skill_table(evaluation: CrossEvaluation, *, noun: str) -> Table:
    """How much the networks of each source have learnt."""
    return Table(
        label="Skill of the networks",
        columns=[
            "Networks of",
            Column(f"Dice with their own {noun}", "number"),
            Column("Dice of a guess", "number"),
            Column(f"Dice of the {noun}s", "number"),
            Column("Skill", "number"),
            Column("Needed", "number"),
            "",
        ],
        rows=[
            [
                source,
                format_dice(skill.own),
                format_dice(skill.guess),
                ABSENT if skill.raters is None else format_dice(skill.raters),
                format_number(skill.value, 2),
                format_number(skill.limit, 2),
                Cell("learnt", "verdict") if skill.has_learnt else _show("learnt too little"),
            ]
            for source, skill in evaluation.skills.items()
        ],
    )


def build_consensus_table(evaluation: CrossEvaluation, *, noun: str) -> Table:
    """Dice of the networks of every source with all raters."""
    level = format_confidence(evaluation.same_dice.confidence)
    return Table(
        label=f"Dice with all {noun}s",
        columns=["network of", f"Dice ({level} interval, {SUBJECTS_ONLY})"],
        rows=[[name, format_interval(interval)] for name, interval in evaluation.rater_dice.items()],
        caption=f"Dice with the {noun}s, mean over all of them",
    )


def build_gain_table(evaluation: CrossEvaluation, *, noun: str) -> Table:
    """The network of every consensus against that of every rater."""
    words: dict[Verdict, str] = {"yes": "better", "the wrong way round": "worse"}
    return Table(
        label=f"Network of a consensus against that of one {noun}",
        columns=["Consensus", "against the network of", "Gain in Dice (95 % interval)", "p after Holm", "Verdict"],
        rows=[
            [
                one.consensus,
                one.rater,
                format_interval(one.gain),
                format_p(one.p_holm),
                _show(one.verdict, words.get(one.verdict, "")),
            ]
            for one in evaluation.consensus_gains
        ],
        caption=f"Does it agree better with the {noun}s than the network of one of them?",
    )


def build_pair_table(evaluation: CrossEvaluation, *, noun: str) -> Table:
    """Dice and its difference of every pair of sources."""
    return Table(
        label="Dice of every pair",
        columns=[
            "Pair",
            Column("n", "number"),
            Column(f"Dice of the {noun}s", "number"),
            Column("Dice of their networks", "number"),
            "Own minus other (95 % interval)",
            "p after Holm",
            "Verdict",
        ],
        rows=[
            [
                f"{pair.first} and {pair.second}",
                str(pair.case_count),
                format_dice(pair.source_dice.mean),
                format_dice(pair.network_dice.mean),
                format_interval(pair.dice_gap),
                format_p(pair.p_holm),
                _show(pair.verdict),
            ]
            for pair in evaluation.pairs
        ],
    )


def build_load_table(contrasts: Sequence[LoadContrast], *, unit: str, noun: str) -> Table:
    """Order and size of differences in load, of sources beside their networks."""
    groups = (
        "A below / equal to / above B, cases",
        f"Mean absolute difference ({unit})",
        "B minus A, relative (95 % interval)",
    )
    pairs = [Column(name, "number", group) for group in groups for name in (f"{noun}s", "networks")]
    return Table(
        label="Order and size of load differences",
        columns=["Pair (A and B)", *pairs, Column("Change", "number"), "Effect of training"],
        rows=[_describe_contrast(contrast) for contrast in contrasts],
        caption=f"Differences in load, between {noun}s and between their networks",
    )


def _describe_contrast(contrast: LoadContrast) -> list[CellContent]:
    pair, found = contrast.pair, contrast.pair.load_differences
    return [
        f"{pair.first} and {pair.second}",
        *(f"{order.below} / {order.equal} / {order.above}" for order in (pair.source_order, pair.network_order)),
        format_load(contrast.source_difference),
        format_load(contrast.network_difference),
        write_share(found.raters),
        write_share(found.networks),
        write_share(found.change),
        Cell(pair.effect, "verdict", mark=_EFFECT_MARKS.get(pair.effect, "")),
    ]


_VERDICT_MARKS: dict[Verdict, str] = {
    "cannot tell": "undecided",
    "yes": "borne-out",
    "the wrong way round": "contradicted",
}
_EFFECT_MARKS: dict[Effect, str] = {"cannot tell": "undecided", "reversed": "contradicted"}


def _show(verdict: Verdict, words: str = "") -> Cell:
    return Cell(words or verdict, "verdict", mark=_VERDICT_MARKS.get(verdict, ""))


@dataclass(frozen=True)
class Coverage:
    """Cases of one source and its network.

    Attributes:
        source: the source.
        labelled_count: cases that it labelled.
        missing: cases that it did not label.
        empty: cases in which it outlines nothing.
        network_missing: labelled cases of which its network has no prediction.
        network_empty: cases in which its network outlines nothing.
    """

    source: str
    labelled_count: int
    missing: tuple[str, ...]
    empty: tuple[str, ...]
    network_missing: tuple[str, ...]
    network_empty: tuple[str, ...]


def build_coverage_table(evaluation: CrossEvaluation, *, noun: str) -> Table:
    """Missing and empty cases of every source and its network."""
    return Table(
        label="Missing and empty cases",
        columns=[
            noun.capitalize(),
            Column(f"Labelled, of {len(evaluation.case_ids)}", "number"),
            "Not labelled",
            "Empty",
            "Its network: no prediction",
            "Its network: empty",
        ],
        rows=[
            [
                one.source,
                str(one.labelled_count),
                *(
                    Cell(kind="cases", case_ids=cases)
                    for cases in (one.missing, one.empty, one.network_missing, one.network_empty)
                ),
            ]
            for one in list_coverage(evaluation)
        ],
    )


def list_coverage(evaluation: CrossEvaluation) -> tuple[Coverage, ...]:
    """List missing and empty cases of every source."""
    return tuple(_describe(evaluation, source) for source in evaluation.sources)


def _describe(evaluation: CrossEvaluation, source: str) -> Coverage:
    missing = evaluation.missing_cases.get(source, ())
    return Coverage(
        source=source,
        labelled_count=len(evaluation.case_ids) - len(missing),
        missing=missing,
        empty=evaluation.empty_cases.get(source, ()),
        network_missing=evaluation.missing_cases.get(name_network(source), ()),
        network_empty=evaluation.empty_cases.get(name_network(source), ()),
    )
