"""The tables of the report of `retrain`: networks and decisions as text, ready to be laid out."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from overread.questions.retrain.page.names import write_day, write_revision, write_version
from overread.questions.retrain.records import KeptNetwork, NetworkDecision, RetrainingOutcome
from overread.report.formatting import ABSENT

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
