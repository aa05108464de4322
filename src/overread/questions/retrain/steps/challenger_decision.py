"""Deciding on a registered challenger as the gate says, and wording what was decided."""

from overread.adapters.model_registry import CHALLENGER, ModelRegistry
from overread.adapters.registry_records import Event, NetworkVersion, happen, list_line
from overread.errors import TrackingError
from overread.questions.retrain.records import DecisionState, NetworkDecision, NetworkJudgement

GATE = "gate"
"""Who decides where no human does."""


def write_down_decision(
    registry: ModelRegistry, version: NetworkVersion, champion: NetworkVersion | None, judged: NetworkJudgement
) -> NetworkVersion:
    """Write down what the gate says; a promotion comes true with the alias, which a later run sets if this one dies.

    Args:
        registry: holds the versions.
        version: the challenger.
        champion: the version in use; None without one.
        judged: what the gate says.

    Raises:
        TrackingError: the champion is not the one that the challenger was compared with.
    """
    registry.set_alias(version, CHALLENGER)
    if (champion.version if champion else None) != judged.network.champion:
        raise TrackingError(
            f"the champion of {version.name} must be the one that the challenger was compared with, version "
            f"{judged.network.champion}, got version {champion.version if champion else None}. "
            "Hint: run the pipeline again."
        )
    _supersede_held(registry, version)
    event = _word_event(version, champion, judged)
    return registry.add_event(version, event, tags={"decision": event.action, "reason": event.reason})


def _supersede_held(registry: ModelRegistry, version: NetworkVersion) -> None:
    """End the holds of earlier versions: whatever becomes of the newest challenger, it is the one in question."""
    for earlier in registry.list_versions(version.name):
        if earlier.is_held and earlier.version < version.version:
            reason = f"version {version.version} was judged after it"
            tags = {"decision": "superseded", "reason": reason}
            registry.add_event(earlier, happen("superseded", by=GATE, reason=reason), tags=tags)


def describe_decision(
    judged: NetworkJudgement, version: NetworkVersion, champion: NetworkVersion | None
) -> NetworkDecision:
    """What was decided on a version, by the gate or since then by a human, as the report tells it."""
    is_promoted = champion is not None and champion.version == version.version
    last = version.last_event
    is_by_gate = last is not None and last.action in ("held", "refused") and bool(last.terms)
    found = (_list_reasons(version, champion, judged) or judged.figures.doubts) if is_by_gate else ()
    state: DecisionState = "promoted" if is_promoted else "held" if version.is_held else "refused"
    return NetworkDecision(
        judgement=judged,
        version=version.version,
        state=state,
        reasons=() if is_promoted or last is None else (found or (last.reason,)),
        champion=champion.version if champion else None,
    )


def _word_event(version: NetworkVersion, champion: NetworkVersion | None, judged: NetworkJudgement) -> Event:
    terms = judged.network.describe_terms(judged.settings)
    if reasons := _list_reasons(version, champion, judged):
        return happen("refused", by=GATE, reason=" ".join(reasons), terms=terms)
    if doubts := judged.figures.doubts:
        return happen("held", by=GATE, reason=" ".join(doubts), terms=terms)
    anchor = judged.figures.anchor
    reason = "first of its kind" if anchor is None else f"not worse than version {anchor} beyond the margins"
    return happen("promoted", by=GATE, reason=reason, line=list_line(champion))


def _list_reasons(
    version: NetworkVersion, champion: NetworkVersion | None, judged: NetworkJudgement
) -> tuple[str, ...]:
    reasons = judged.figures.reasons
    if champion is not None and judged.network.champion_is_later:
        reasons += (
            f"The champion learnt from a later revision, {champion.origin.revision[:7]}, than the challenger, "
            f"{version.origin.revision[:7]}.",
        )
    return reasons
