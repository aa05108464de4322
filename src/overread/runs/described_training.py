"""What the result store, MLflow and Prometheus know a training of any kind by, and what it has left."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from overread.records import Result
from overread.runs.pipeline_run import AnalysisRun, RunIdentity
from overread.training.history import Epoch

TrainingKind: TypeAlias = Literal["segmentation", "source-classifier", "acquisition-probe"]
EPOCHS_FILE = "epochs.json"
"""Where a training that has no files of its own for it leaves its `TrainingRecord`."""
_NO_FIGURES = frozenset({"epoch", "seconds"})


@dataclass(frozen=True)
class DescribedTraining:
    """A training, before it begins.

    Attributes:
        run: the pipeline run that it belongs to.
        kind: what is trained.
        name: unique within the pipeline run, shown in MLflow.
        key: where the result store keeps it, `<kind of result>/<fingerprint>`.
        source: what it learns: a source, a mix, or the column of the case table that it names.
        network: architecture of the network.
        fold: index of the held-out fold, from 0.
        epochs: upper bound of the epochs.
        settings: what Compare runs shows, beside the preset and the fold.
        repeat: index of the random initialisation, from 0; None where there is one alone.
        epoch_voxels: voxels of the training patches of an epoch; None where that is no figure of speed.
    """

    run: AnalysisRun
    kind: TrainingKind
    name: str
    key: str
    source: str
    network: str
    fold: int
    epochs: int
    settings: Mapping[str, object]
    repeat: int | None = None
    epoch_voxels: int | None = None

    @property
    def fingerprint(self) -> str:
        """Names the training: its data, settings and code."""
        return self.key.rpartition("/")[2]


class TrainingRecord(Result):
    """What MLflow is told of a finished training.

    Attributes:
        device: cpu or the GPU's name.
        figures: of the whole training, by name.
        epochs: figures of each epoch, counted from 1.
    """

    device: str
    figures: dict[str, float]
    epochs: dict[int, dict[str, float]]

    @classmethod
    def build(cls, reports: Sequence[Epoch], *, kept_epoch: int, device: str) -> "TrainingRecord":
        """Describe a training by its epochs.

        Args:
            reports: of all epochs.
            kept_epoch: whose weights were kept, from 1.
            device: cpu or the GPU's name.
        """
        epochs = collect_epochs(reports)
        kept = {f"kept_{name}": value for name, value in epochs[kept_epoch].items() if name.startswith("validation_")}
        figures = {**kept, "kept_epoch": kept_epoch, "duration_seconds": reports[-1].seconds}
        return cls(device=device, figures=figures, epochs=epochs)


def collect_epochs(reports: Sequence[Epoch]) -> dict[int, dict[str, float]]:
    """The figures of each epoch by name, those that an epoch lacks left out."""
    return {
        report.epoch: {
            name: value for name, value in report.model_dump().items() if name not in _NO_FIGURES and value is not None
        }
        for report in reports
    }


def copy_identity(run: RunIdentity) -> AnalysisRun:
    """What names a pipeline run, without its plan, which would be sent to a worker with each training."""
    return AnalysisRun(
        pipeline=run.pipeline,
        study=run.study,
        study_digest=run.study_digest,
        source_digests=run.source_digests,
        revision=run.revision,
        preset_name=run.preset_name,
        settings_yaml=run.settings_yaml,
        network_names=run.network_names,
        run_fingerprint=run.run_fingerprint,
    )
