"""The lines at the end of a local run of `retrain`."""

from collections.abc import Sequence
from pathlib import Path

from overread.questions.retrain.gate.wording import describe_chances
from overread.questions.retrain.records import KeptNetwork, NetworkDecision, RetrainingOutcome, list_commands


def summarise(folder: Path) -> list[str]:
    """What became of every network, and what waits for a human.

    Args:
        folder: outputs of the run.
    """
    outcome = RetrainingOutcome.read(folder / "decisions")
    others = [kept for kept in outcome.changes.networks if not kept.is_to_train]
    lines = [line for kept in others for line in _describe_other(kept)]
    if not outcome.decisions:
        return [f"nothing new at revision {outcome.changes.revision[:7]}, nothing was trained", *lines]
    return [*(line for decision in outcome.decisions for line in _describe(decision)), *lines]


def _describe_other(kept: KeptNetwork) -> list[str]:
    lines = [f"{kept.model}: {kept.describe_state()}"]
    if kept.state == "held" and kept.held is not None:
        lines += _indent(list_commands(kept.model, kept.held, is_held=True))
    return lines


def _describe(decision: NetworkDecision) -> list[str]:
    judged = decision.judgement
    name = f"{judged.network.model} version {decision.version}"
    chances = describe_chances(judged.figures, judged.settings)
    told = [f"  {chances}"] if chances else []
    if decision.is_promoted:
        return [f"{name}: is champion", *told]
    champion = f"version {decision.champion} stays champion" if decision.champion else "there is no champion"
    words = "on hold until a human decides" if decision.state == "held" else "refused"
    commands = _indent(decision.commands) if decision.state == "held" else []
    return [f"{name}: {words}, {champion}. {' '.join(decision.reasons)}", *told, *commands]


def _indent(commands: Sequence[str]) -> list[str]:
    return [f"  {command}" for command in commands]
