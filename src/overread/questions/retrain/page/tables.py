"""The tables of networks and of the gate, and the bounds that its figures show."""

import math
import shlex
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
from overread.questions.retrain.records import KeptNetwork, NetworkDecision, NetworkJudgement, RetrainingOutcome
from overread.report.figures.canvas import Figure
from overread.report.formatting import ABSENT, WrittenInterval, write_interval
from overread.report.table import Cell, CellContent, Column, Table


def draw_dice_bounds(judgements: Sequence[NetworkJudgement]) -> Figure | None:
    """Draw the difference of Dice of every challenger that has a champion to compare with; None where none has."""
    rows = [
        _build_dice_row(judged, judged.figures.dice_difference)
        for judged in judgements
        if judged.figures.dice_difference is not None
    ]
    return draw_gate_bounds(rows, label="Dice, challenger minus champion") if rows else None


def draw_load_bounds(judgements: Sequence[NetworkJudgement]) -> Figure | None:
    """Draw the load bias of every challenger, in percent; None where it is known of none."""
    rows = [
        _build_load_row(judged, judged.figures.load_bias)
        for judged in judgements
        if judged.figures.load_bias is not None
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


Mark: TypeAlias = Literal["borne-out", "undecided", ""]
"""Style of a decision: taken in, refused, or neither."""

_FINDING_TITLES: Mapping[Finding, str] = {"unsure": "kept, not surely"}
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
    version = write_version(decision.version)
    return (f"{version} promoted", "borne-out") if decision.is_promoted else (f"{version} refused", "undecided")


def write_promotion(decision: NetworkDecision) -> str:
    """The command that makes a refused challenger champion by hand."""
    model = shlex.quote(decision.judgement.network.model)
    return f'overread model promote {model} --version {decision.version} --reason "…"'


def _describe_state(network: KeptNetwork) -> str:
    match network.state:
        case "new":
            return "no champion yet"
        case "changed":
            return "labels changed" if network.revisions_behind else "same labels, other preset or bounds"
        case "current":
            return "those that the champion learnt"
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
    champion = "Champion" if network.champion is None else f"Champion, {write_version(network.champion)}"
    return Table(
        label=f"Gate, network of {network.labels}",
        columns=["Figure", "Bound is", "What is judged", "Bound", "Challenger", champion],
        rows=[
            [
                Cell(check.title, notes=(check.note,) if check.note else ()),
                Cell(_FINDING_TITLES.get(check.finding, check.finding), "verdict", mark=_FINDING_MARKS[check.finding]),
                _show(check.judged),
                check.bound,
                _show(check.challenger),
                _show(check.champion),
            ]
            for check in list_gate_checks(judged)
        ],
        style="results gate",
    )


def build_dice_table(judged: NetworkJudgement) -> Table:
    """Dice of challenger and champion with every source."""
    network = judged.network
    return Table(
        label=f"Dice with every source, network of {network.labels}",
        columns=["Source", Column("Cases", "number"), "Challenger", "Champion"],
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
