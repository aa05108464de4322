"""What Prometheus is told of relabelled sources."""

from collections.abc import Iterable

from overread.adapters.storage import open_store
from overread.adapters.telemetry import MetricGroup, push_metrics
from overread.runs.plan import TrainingPlan
from overread.study.schema import Provenance


def tell_relabelling(plan: TrainingPlan, sources: Iterable[Provenance], *, store: str) -> None:
    """Tell how much of each source relabelling changed.

    Args:
        plan: the plan.
        sources: how the new sources were made; the metrics bear the name of the source that each was made from, for
            that of the new one changes with every training.
        store: address of the result store.
    """
    for provenance in sources:
        source = str(provenance.parameters["source"])
        labels = {"pipeline": plan.pipeline, "study": plan.study, "source": source}
        push_metrics(open_store(store), MetricGroup("relabelling", labels), collect_relabelling_metrics(provenance))


def collect_relabelling_metrics(provenance: Provenance) -> dict[str, float]:
    """Cases and voxels that relabelling changed; a case that was left alone has changed nothing."""
    changes = [case["changed_count"] for case in provenance.cases.values() if case["has_map"] and not case["is_kept"]]
    return {
        "overread_relabelling_changed_cases": sum(1 for count in changes if count),
        "overread_relabelling_changed_voxels": sum(changes),
    }
