"""The tables of pairs, consensus networks, loads and coverage."""

from collections.abc import Sequence
from dataclasses import dataclass

from overread.evaluation.results import LoadOrder, name_network
from overread.questions.rater_bias.page.load_contrast import LoadContrast, judge_contrast
from overread.questions.rater_bias.results import CrossEvaluation
from overread.report.formatting import (
    ABSENT,
    format_confidence,
    format_dice,
    format_interval,
    format_load,
    format_p,
    format_percent,
)
from overread.report.table import Cell, Column, Table


def build_consensus_table(evaluation: CrossEvaluation, *, noun: str) -> Table:
    """Dice of the networks of the consensus with all sources."""
    level = format_confidence(evaluation.same_dice.confidence)
    return Table(
        label=f"Dice with all {noun}s",
        columns=["network of", f"Dice ({level} interval)"],
        rows=[[name, format_interval(interval)] for name, interval in evaluation.rater_dice.items()],
        caption=f"Dice with the {noun}s, mean over all of them",
    )


def build_pair_table(evaluation: CrossEvaluation, *, noun: str) -> Table:
    """Dice and its difference of every pair of sources."""
    level = format_confidence(evaluation.same_dice.confidence)
    return Table(
        label="Dice of every pair",
        columns=[
            "Pair",
            Column("n", "number"),
            Column(f"Dice of the {noun}s", "number"),
            Column("Dice of their networks", "number"),
            f"Own minus other ({level} interval)",
            "Paired test",
            "after Holm",
        ],
        rows=[
            [
                f"{pair.first} and {pair.second}",
                str(pair.case_count),
                format_dice(pair.source_dice.mean),
                format_dice(pair.network_dice.mean),
                format_interval(pair.dice_gap),
                format_p(pair.paired_p),
                format_p(pair.paired_p_holm),
            ]
            for pair in evaluation.pairs
        ],
    )


def build_load_table(contrasts: Sequence[LoadContrast], *, unit: str, noun: str) -> Table:
    """Order and size of differences in load, of sources beside their networks."""
    groups = ("A below / equal to / above B, cases", "One order is kept in", f"Mean absolute difference ({unit})")
    pairs = [Column(name, "number", group) for group in groups for name in (f"{noun}s", "networks")]
    return Table(
        label="Order and size of load differences",
        columns=["Pair (A and B)", *pairs, "Effect of training"],
        rows=[
            [
                f"{contrast.first} and {contrast.second}",
                *(f"{order.below} / {order.equal} / {order.above}" for order in _list_orders(contrast)),
                *(_show_consistency(order) for order in _list_orders(contrast)),
                format_load(contrast.source_difference),
                format_load(contrast.network_difference),
                judge_contrast(contrast),
            ]
            for contrast in contrasts
        ],
        caption=f"Differences in load, between {noun}s and between their networks",
    )


def _list_orders(contrast: LoadContrast) -> tuple[LoadOrder, LoadOrder]:
    return contrast.source_order, contrast.network_order


def _show_consistency(order: LoadOrder) -> str:
    return format_percent(order.consistency) if order.case_count else ABSENT


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
