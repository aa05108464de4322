"""The plan of a pipeline run: which networks are trained on what."""

from pathlib import Path

from overread.presets import Preset
from overread.settings import Settings
from overread.study.digest import compute_study_digest
from overread.training.result import TrainingJob


class TrainingPlan(Settings):
    """The jobs of a pipeline run and all that they share."""

    pipeline: str
    study: str
    preset_name: str
    preset: Preset
    sources: tuple[str, ...]
    folds: int
    repeats: int
    seed: int
    revision: str
    images_digest: str
    source_digests: dict[str, str]
    jobs: tuple[TrainingJob, ...]
    jobs_per_task: int
    run_fingerprint: str

    @classmethod
    def read(cls, path: Path) -> "TrainingPlan":
        """Read a plan that `write` wrote."""
        return cls.model_validate_json(path.read_text(encoding="utf-8"))

    def write(self, path: Path) -> None:
        """Write the plan as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.model_dump_json(indent=2), encoding="utf-8")

    @property
    def report_key(self) -> str:
        """Where the result store keeps the report of this pipeline run."""
        return f"reports/{self.run_fingerprint}"

    @property
    def study_digest(self) -> str:
        """SHA-256 over all that the jobs read."""
        return compute_study_digest(self.images_digest, self.source_digests)

    def compute_data_digest(self, source: str) -> str:
        """SHA-256 over what the trainings on one source read."""
        return compute_study_digest(self.images_digest, {source: self.source_digests[source]})

    @property
    def batches(self) -> list[list[str]]:
        """Names of the jobs of each task."""
        names = [job.name for job in self.jobs]
        size = self.jobs_per_task or len(names)
        return [names[start : start + size] for start in range(0, len(names), size)]
