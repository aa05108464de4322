"""Every metric that Overread exports to Prometheus, by its kind of group.

All are gauges: a batch task pushes its last values and ends, so that a counter would start anew with each task. The
labels of a group are the grouping key of the Pushgateway: values of one group replace each other, and nothing else.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

GroupKind: TypeAlias = Literal["training", "evaluation", "relabelling", "retraining"]

GROUP_LABELS: Mapping[GroupKind, tuple[str, ...]] = {
    "training": ("pipeline", "study", "source", "network"),
    "evaluation": ("pipeline", "study", "source"),
    "relabelling": ("pipeline", "study", "source"),
    "retraining": ("study", "source"),
}
"""Labels of the metrics of each kind; `source` names what a network learns, a mix such as `a+b` included."""


@dataclass(frozen=True)
class Metric:
    """One gauge.

    Attributes:
        kind: the group that it is pushed with, which gives it its labels.
        help: what it says, with its unit.
    """

    kind: GroupKind
    help: str


METRICS: Mapping[str, Metric] = {
    "overread_training_running": Metric("training", "1 while a training runs, 0 once it has ended."),
    "overread_training_progress_timestamp_seconds": Metric(
        "training", "When the last epoch ended, or trainings began, in seconds since 1970."
    ),
    "overread_training_epochs": Metric("training", "Epochs done."),
    "overread_training_planned_epochs": Metric("training", "Upper bound of the epochs."),
    "overread_training_loss": Metric("training", "Mean loss of the last epoch."),
    "overread_training_validation_dice_ratio": Metric("training", "Mean Dice over the validation cases, 0 to 1."),
    "overread_training_voxels_per_second": Metric("training", "Voxels of training patches per second."),
    "overread_training_gpu_memory_bytes": Metric("training", "Most GPU memory that was allocated at a time."),
    "overread_training_duration_seconds": Metric("training", "Time in the training loop so far."),
    "overread_evaluation_same_dice_ratio": Metric(
        "evaluation", "Mean Dice of a network against its own source on held-out cases, 0 to 1."
    ),
    "overread_evaluation_cross_dice_ratio": Metric(
        "evaluation", "Mean Dice of a network against the other sources on held-out cases, 0 to 1."
    ),
    "overread_evaluation_load_bias_ratio": Metric(
        "evaluation", "Mean predicted load minus that of the reference, as a share of the latter."
    ),
    "overread_relabelling_changed_cases": Metric("relabelling", "Cases whose masks were changed."),
    "overread_relabelling_changed_voxels": Metric("relabelling", "Voxels that changed sides, over all cases."),
    "overread_retraining_last_success_timestamp_seconds": Metric(
        "retraining", "When retraining last ran to its end, a refusal or nothing new included, in seconds since 1970."
    ),
    "overread_retraining_last_promotion_timestamp_seconds": Metric(
        "retraining", "When a challenger last became champion, in seconds since 1970."
    ),
    "overread_retraining_last_refusal_timestamp_seconds": Metric(
        "retraining", "When a challenger was last refused, in seconds since 1970."
    ),
    "overread_retraining_champion_timestamp_seconds": Metric(
        "retraining", "When the champion became champion, in seconds since 1970."
    ),
    "overread_retraining_revisions_behind": Metric(
        "retraining", "Revisions with other labels of the source since the one that the champion learnt."
    ),
}
