"""The lines at the end of a local run of `retrain`."""

from pathlib import Path

from overread.questions.retrain.records import NetworkDecision, RetrainingOutcome


def summarise(folder: Path) -> list[str]:
    """What became of every network.

    Args:
        folder: outputs of the run.
    """
    outcome = RetrainingOutcome.read(folder / "decisions")
    lines = [f"{kept.model}: {kept.describe_state()}" for kept in outcome.changes.networks if not kept.is_to_train]
    if not outcome.decisions:
        return [f"nothing new at revision {outcome.changes.revision[:7]}, nothing was trained", *lines]
    return [*(_describe(decision) for decision in outcome.decisions), *lines]


def _describe(decision: NetworkDecision) -> str:
    name = f"{decision.judgement.network.model} version {decision.version}"
    if decision.is_promoted:
        return f"{name}: is champion"
    champion = f"version {decision.champion} stays champion" if decision.champion else "there is no champion"
    return f"{name}: refused, {champion}. {' '.join(decision.reasons)}"
