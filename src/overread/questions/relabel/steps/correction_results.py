"""What the steps of `relabel` before its evaluation have left."""

from dataclasses import dataclass
from pathlib import Path

from overread.questions.relabel.steps.correction_design import CorrectionDesign
from overread.questions.relabel.steps.make_relabelled_sources import RelabelledSources
from overread.study.digest import compute_files_digest
from overread.training.result import TrainingFailure, TrainingJob, TrainingResult


@dataclass(frozen=True)
class CorrectionResults:
    """What the steps before have left.

    Attributes:
        design: what the trainings stand for.
        sources: the relabelled sources.
        networks: folder of each training, by the job's name.
        predictions: folder of the held-out predictions.
        failures: trainings that left no network.
    """

    design: CorrectionDesign
    sources: RelabelledSources
    networks: dict[str, Path]
    predictions: Path
    failures: tuple[TrainingFailure, ...]

    @property
    def trained(self) -> list[tuple[TrainingJob, Path]]:
        """The trainings that left a network."""
        return [(job, self.networks[job.name]) for job in self.design.plan.jobs if job.name in self.networks]

    def list_parts(self) -> dict[str, object]:
        """All that an evaluation depends on, as JSON values."""
        masks = sorted(path for path in self.predictions.rglob("*") if path.is_file())
        return {
            "data": self.design.plan.study_digest,
            "predictions": compute_files_digest(self.predictions, masks),
            "variants": self.design.variants.model_dump(mode="json"),
            "sources": self.sources.model_dump(mode="json", exclude={"revision"}),
            "trainings": [TrainingResult.read(folder).fingerprint for _, folder in self.trained],
            "failures": [failure.model_dump(mode="json") for failure in self.failures],
            "seed": self.design.plan.seed,
        }
