"""The rows of the tables: bounds of the gate, networks and cases."""

import math
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from overread.errors import InputError
from overread.evaluation.results import Interval
from overread.questions.retrain.page.figures import BoundedRow, draw_gate_bounds
from overread.questions.retrain.page.gate import (
    express_in_percent,
    judge_difference,
    judge_load_bias,
    write_bias,
    write_difference,
    write_with_bounds,
)
from overread.questions.retrain.page.wording import write_day, write_revision, write_version
from overread.questions.retrain.records import KeptNetwork, NetworkDecision, NetworkJudgement, RetrainingOutcome
from overread.report.figures.canvas import Figure
from overread.report.formatting import ABSENT

if TYPE_CHECKING:
    from pandas import DataFrame
    from pandas import Series as Row


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


@dataclass(frozen=True)
class NetworkRow:
    """One network that is kept up to date.

    Attributes:
        network: the network as it was found.
        state: what was found of its labels.
        champion: version in use after the run.
        since: since when.
        learnt: revision that it learnt from.
        behind: revisions with other labels since then.
        decision: what the run decided.
        mark: style of the decision.
    """

    network: KeptNetwork
    state: str
    champion: str
    since: str
    learnt: str
    behind: str
    decision: str
    mark: Mark


def build_network_rows(outcome: RetrainingOutcome) -> tuple[NetworkRow, ...]:
    """One row per network, in the order in which they are kept."""
    decision_of = {decision.judgement.network.labels: decision for decision in outcome.decisions}
    revision = outcome.changes.revision
    return tuple(_build_row(network, decision_of, revision) for network in outcome.changes.networks)


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


def _build_row(network: KeptNetwork, decision_of: Mapping[str, NetworkDecision], revision: str) -> NetworkRow:
    decision = decision_of.get(network.labels)
    words, mark = describe_decision(decision)
    champion, since, learnt, behind = _describe_champion(network, decision, revision)
    return NetworkRow(network, _describe_state(network), champion, since, learnt, behind, words, mark)


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


@dataclass(frozen=True)
class JudgedCase:
    """What challenger and champion made of a held-out case.

    Attributes:
        case_id: the case.
        challenger_dice: against the reference.
        champion_dice: the same of the champion; None without one.
        reference_load: in the study's load unit, as the next two.
        challenger_load: of the challenger's mask.
        champion_load: of the champion's mask; None without one.
        counts: whether the gate looks at it.
    """

    case_id: str
    challenger_dice: float
    champion_dice: float | None
    reference_load: float
    challenger_load: float
    champion_load: float | None
    counts: bool

    @property
    def difference(self) -> float | None:
        """Dice of the challenger minus that of the champion; None without one."""
        return None if self.champion_dice is None else self.challenger_dice - self.champion_dice


def collect_cases(judged: NetworkJudgement, comparisons: "DataFrame") -> tuple[JudgedCase, ...]:
    """The held-out cases of a challenger, the largest loss against the champion first.

    Without a champion the lowest Dice comes first; equal ones go by case id.

    Args:
        judged: the challenger.
        comparisons: of its masks and of the champion's with those of the reference, COMPARISON_COLUMNS.

    Raises:
        InputError: the table is about other cases than the judgement.
    """
    network = judged.network
    challenger = _select_rows(comparisons, network.challenger_masks, judged)
    champion = None
    if network.champion is not None:
        champion = _select_rows(comparisons, network.champion_masks, judged)
    cases = [
        _build_case(row, champion[case_id] if champion else None, counts=case_id in judged.counted_cases)
        for case_id, row in challenger.items()
    ]
    return tuple(sorted(cases, key=_rank))


def _select_rows(comparisons: "DataFrame", prediction: str, judged: NetworkJudgement) -> "Mapping[str, Row]":
    reference = judged.network.reference
    rows = comparisons[(comparisons["prediction"] == prediction) & (comparisons["reference"] == reference)]
    expected = {*judged.counted_cases, *judged.other_cases}
    if set(rows["case_id"]) != expected or len(rows) != len(expected):
        raise InputError(
            "the table of comparisons must hold each held-out case of the judgement once",
            found=f"{len(rows)} rows for {len(expected)} cases",
            where=f"{prediction} against {reference}",
        )
    return {str(row["case_id"]): row for _, row in rows.iterrows()}


def _build_case(challenger: "Row", champion: "Row | None", *, counts: bool) -> JudgedCase:
    return JudgedCase(
        case_id=str(challenger["case_id"]),
        challenger_dice=float(challenger["dice"]),
        champion_dice=None if champion is None else float(champion["dice"]),
        reference_load=float(challenger["reference_load"]),
        challenger_load=float(challenger["prediction_load"]),
        champion_load=None if champion is None else float(champion["prediction_load"]),
        counts=counts,
    )


def _rank(case: JudgedCase) -> tuple[float, str]:
    difference = case.difference
    return (case.challenger_dice if difference is None else difference, case.case_id)
