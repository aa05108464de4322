"""The tables of networks and of the gate, and the bounds that its figures show."""

import math
from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

from overread.evaluation.results import Interval
from overread.questions.retrain.page.figures import BoundedRow, draw_gate_bounds
from overread.questions.retrain.page.gate import (
    Finding,
    express_in_percent,
    judge_difference,
    judge_load_bias,
    list_gate_checks,
    write_bias,
    write_difference,
    write_with_bounds,
)
from overread.questions.retrain.page.wording import write_day, write_revision, write_version
from overread.questions.retrain.records import (
    DecisionState,
    KeptNetwork,
    NetworkDecision,
    NetworkJudgement,
    RetrainingOutcome,
)
from overread.report.figures.canvas import Figure
from overread.report.formatting import ABSENT, WrittenInterval, format_dice, write_interval
from overread.report.table import Cell, CellContent, Column, Table


def draw_dice_bounds(judgements: Sequence[NetworkJudgement]) -> Figure | None:
    """Draw the difference of Dice of every challenger that was compared with a champion; None where none was."""
    rows = [
        _build_dice_row(judged, judged.figures.dice_difference)
        for judged in judgements
        if judged.figures.dice_difference is not None and not judged.figures.has_few_subjects
    ]
    return draw_gate_bounds(rows, label="Dice, challenger minus best champion so far") if rows else None


def draw_load_bounds(judgements: Sequence[NetworkJudgement]) -> Figure | None:
    """Draw the load bias of every challenger, in percent; None where it is known of none."""
    rows = [
        _build_load_row(judged, judged.figures.load_bias)
        for judged in judgements
        if judged.figures.load_bias is not None and not judged.figures.has_few_subjects
    ]
    return draw_gate_bounds(rows, label="Load bias of the challenger, in percent") if rows else None


def _build_dice_row(judged: NetworkJudgement, difference: Interval) -> BoundedRow:
    return BoundedRow(
        name=judged.network.labels,
        interval=difference,
        written=write_with_bounds(write_difference(difference, judged.settings)),
        low=-judged.settings.dice_margin,
        high=math.inf,
        finding=judge_difference(difference, judged.settings),
    )


def _build_load_row(judged: NetworkJudgement, bias: Interval) -> BoundedRow:
    limit = 100 * judged.settings.load_bias_limit
    return BoundedRow(
        name=judged.network.labels,
        interval=express_in_percent(bias),
        written=write_with_bounds(write_bias(bias, judged.settings)),
        low=-limit,
        high=limit,
        finding=judge_load_bias(bias, judged.settings),
    )


Mark: TypeAlias = Literal["borne-out", "undecided", "contradicted", ""]
"""Style of a decision: taken in, on hold, refused, or none of them."""

_STATE_MARKS: Mapping[DecisionState, Mark] = {"promoted": "borne-out", "held": "undecided", "refused": "contradicted"}
_STATE_TITLES: Mapping[DecisionState, str] = {"promoted": "promoted", "held": "on hold", "refused": "refused"}
_FINDING_TITLES: Mapping[Finding, str] = {"unsure": "cannot tell"}
_FINDING_MARKS: Mapping[Finding, str] = {
    "kept": "borne-out",
    "unsure": "undecided",
    "not kept": "contradicted",
    "not asked": "",
}


def build_network_table(outcome: RetrainingOutcome) -> Table:
    """One row per network, in the order in which they are kept."""
    decision_of = {decision.judgement.network.labels: decision for decision in outcome.decisions}
    revision = outcome.changes.revision
    return Table(
        label="All networks",
        columns=[
            "Network of",
            "This run",
            f"Labels at revision {write_revision(revision)}",
            "In use now",
            "Since",
            "Learnt revision",
            Column("Behind", "number"),
            "Judged by",
        ],
        rows=[
            _describe_network(network, decision_of.get(network.labels), revision)
            for network in outcome.changes.networks
        ],
        style="networks",
    )


def _describe_network(network: KeptNetwork, decision: NetworkDecision | None, revision: str) -> list[CellContent]:
    words, mark = describe_decision(decision)
    champion, since, learnt, behind = _describe_champion(network, decision, revision)
    return [
        Cell(network.labels, notes=(network.model,)),
        Cell(words, "verdict", mark=mark),
        _describe_state(network),
        champion,
        since,
        ABSENT if learnt == ABSENT else Cell(learnt, "code"),
        behind,
        network.reference,
    ]


def describe_decision(decision: NetworkDecision | None) -> tuple[str, Mark]:
    """A decision in a few words, with its style."""
    if decision is None:
        return "nothing new", ""
    return f"{write_version(decision.version)} {_STATE_TITLES[decision.state]}", _STATE_MARKS[decision.state]


def _describe_state(network: KeptNetwork) -> str:
    match network.state:
        case "new":
            return "no champion yet"
        case "changed":
            return "labels changed" if network.revisions_behind else "same labels, other preset or bounds"
        case "current":
            return "those that the champion learnt"
        case "held":
            return f"judged before, and {write_version(network.held)} waits for a human"
        case _:
            return "judged before, and the challenger is not in use"


def _describe_champion(
    network: KeptNetwork, decision: NetworkDecision | None, revision: str
) -> tuple[str, str, str, str]:
    """Version, day, revision and revisions behind of the champion after the run."""
    now = network.champion if decision is None else decision.champion
    if decision is not None and now == decision.version:
        return write_version(now), "this run", write_revision(revision), "0"
    if now is None or now != network.champion:
        return write_version(now), ABSENT, ABSENT, ABSENT
    found = write_day(network.champion_since), write_revision(network.champion_revision), str(network.revisions_behind)
    return write_version(now), *found


def build_check_table(judged: NetworkJudgement) -> Table:
    """What the gate asked of a challenger."""
    network = judged.network
    best, figures = "Best champion so far", judged.figures
    if figures.anchor is not None:
        best = f"{best}, {write_version(figures.anchor)}"
    return Table(
        label=f"Gate, network of {network.labels}",
        columns=["Figure", "Bound is", "What is judged", "Bound", "Challenger", best],
        rows=[
            [
                Cell(check.title, notes=(check.note,) if check.note else ()),
                Cell(_FINDING_TITLES.get(check.finding, check.finding), "verdict", mark=_FINDING_MARKS[check.finding]),
                _show(check.judged),
                check.bound,
                _show(check.challenger),
                _show(check.anchor),
            ]
            for check in list_gate_checks(judged)
        ],
        style="results gate",
    )


def build_champion_table(judged: NetworkJudgement) -> Table | None:
    """The champions so far with their Dice of today; None where there are not several."""
    figures, network = judged.figures, judged.network
    if len(figures.scores) + len(judged.left_out) < 2:
        return None
    roles = {figures.anchor: "best, compared with", network.champion: "in use"}
    if figures.anchor == network.champion:
        roles[network.champion] = "best, compared with, in use"
    rows: list[list[CellContent]] = [
        [write_version(score.version), format_dice(score.dice), roles.get(score.version, "")]
        for score in figures.scores
    ]
    rows += [[write_version(one.version), ABSENT, Cell("left out", notes=(one.reason,))] for one in judged.left_out]
    return Table(
        label=f"Champions so far, network of {network.labels}",
        columns=["Champion", Column(f"Dice with {network.reference}", "number"), "Part in the comparison"],
        rows=rows,
        caption="Champions so far, on the cases that count",
        style="results",
    )


def build_dice_table(judged: NetworkJudgement) -> Table:
    """Dice of challenger and champion with every source."""
    network = judged.network
    return Table(
        label=f"Dice with every source, network of {network.labels}",
        columns=["Source", Column("Cases", "number"), "Challenger", "Champion in use"],
        rows=[
            [
                Cell(one.reference, notes=("judged by this one",) if one.reference == network.reference else ()),
                str(one.case_count),
                _show(write_interval(one.challenger)),
                _show(write_interval(one.champion)) if one.champion else ABSENT,
            ]
            for one in judged.dice
        ],
        caption="Dice with every source, all held-out cases",
        style="results",
    )


def _show(written: WrittenInterval) -> Cell:
    return Cell(written.estimate, notes=(written.bounds,) if written.bounds else ())
