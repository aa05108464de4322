"""What Prometheus is told of retraining."""

import time

from overread.adapters.storage import open_store
from overread.adapters.telemetry import MetricGroup, push_metrics
from overread.questions.retrain.records import KeptNetwork, NetworkDecision, StudyChanges

_PREFIX = "overread_retraining_"


def tell_changes(changes: StudyChanges, *, store: str) -> None:
    """Tell, before anything is trained, how old the champions are, how far behind, and what is on hold.

    Args:
        changes: what changed.
        store: address of the result store.
    """
    for network in changes.networks:
        values = {"revisions_behind": network.revisions_behind, "hold_timestamp_seconds": network.held_since or 0}
        _push(changes, network, {**values, **_date_champion(network)}, store)


def tell_end(changes: StudyChanges, decisions: tuple[NetworkDecision, ...], *, store: str) -> None:
    """Tell that retraining ran to its end, and what it decided.

    Args:
        changes: what changed.
        decisions: one per challenger; none where nothing was new.
        store: address of the result store.
    """
    now = time.time()
    decided = {decision.judgement.network.labels: decision for decision in decisions}
    for network in changes.networks:
        values = {"last_success_timestamp_seconds": now}
        if (decision := decided.get(network.labels)) is not None:
            values |= _describe_decision(decision, now)
            _tell_figures(changes, decision, store)
        _push(changes, network, values, store)


def _describe_decision(decision: NetworkDecision, now: float) -> dict[str, float]:
    verdict = {"verdict": {"promoted": 1, "held": 0, "refused": -1}[decision.state], "hold_timestamp_seconds": 0}
    match decision.state:
        case "held":
            return verdict | {"hold_timestamp_seconds": now}
        case "refused":
            return verdict | {"last_refusal_timestamp_seconds": now}
        case _:
            promoted = {"last_promotion_timestamp_seconds": now, "champion_timestamp_seconds": now}
            return verdict | promoted | {"revisions_behind": 0}


def _date_champion(network: KeptNetwork) -> dict[str, float]:
    """A champion that a human chose is known by its date in the registry alone."""
    since = network.champion_since
    return {} if since is None else {"champion_timestamp_seconds": since, "last_promotion_timestamp_seconds": since}


def _push(changes: StudyChanges, network: KeptNetwork, values: dict[str, float], store: str) -> None:
    group = MetricGroup("retraining", {"study": changes.study, "source": network.labels})
    push_metrics(open_store(store), group, {_PREFIX + name: value for name, value in values.items()})


def _tell_figures(changes: StudyChanges, decision: NetworkDecision, store: str) -> None:
    """Tell the challenger's Dice and load bias, on the cases that count."""
    judged = decision.judgement
    own = [item.challenger.estimate for item in judged.dice if item.reference in judged.network.sources]
    others = [item.challenger.estimate for item in judged.dice if item.reference not in judged.network.sources]
    values = {
        f"overread_evaluation_{name}_dice_ratio": sum(found) / len(found)
        for name, found in (("same", own), ("cross", others))
        if found
    }
    if judged.figures.load_bias is not None:
        values["overread_evaluation_load_bias_ratio"] = judged.figures.load_bias.estimate
    labels = {"pipeline": "retrain", "study": changes.study, "source": judged.network.labels}
    push_metrics(open_store(store), MetricGroup("evaluation", labels), values)
