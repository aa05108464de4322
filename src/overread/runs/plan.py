"""The plan of a pipeline run: which networks are trained on what."""

from collections.abc import Collection
from typing import ClassVar

from overread.evaluation.results import name_network
from overread.records import Result
from overread.study.digest import compute_study_digest
from overread.training.presets import Preset
from overread.training.result import TrainingJob
from overread.training.settings import Relabelling


class TrainingPlan(Result):
    """The jobs of a pipeline run and all that they share.

    Attributes:
        pipeline: name of the pipeline.
        study: name of the study.
        preset_name: name of the preset.
        preset: its settings; a job's own architecture goes before the preset's, see `find_preset`.
        sources: label sets that the jobs learn.
        raters: those of them that are no consensus of others; empty where that makes no difference.
        folds: rounds of the cross-validation.
        repeats: random initialisations.
        seed: seeds folds, initialisation and sampling.
        revision: commit of the study.
        images_digest: SHA-256 over the images.
        source_digests: SHA-256 over the masks of each source.
        jobs: the trainings.
        jobs_per_task: trainings that share a task; 0 for all in one.
        run_fingerprint: names the pipeline run.
        averages_repeats: the repeats of a training predict a case together, too, for masks to look at; each predicts it
            for itself in any case.
        tolerates_failures: a failed training is tried again, and what still fails is left out.
        tries_thresholds: each network predicts once more, with the threshold that is best on its validation cases.
    """

    INDENT: ClassVar[int] = 2

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
    raters: tuple[str, ...] = ()
    averages_repeats: bool = True
    tolerates_failures: bool = False
    tries_thresholds: bool = False

    @property
    def settings_yaml(self) -> str:
        """The preset's full settings."""
        return self.preset.to_yaml()

    @property
    def network_names(self) -> str:
        """Architectures of the networks, joined by +."""
        return "+".join(dict.fromkeys(job.network for job in self.jobs))

    @property
    def run_key(self) -> str:
        """Under which the result store notes that MLflow knows this run to its end."""
        return f"runs/{self.run_fingerprint}"

    @property
    def study_digest(self) -> str:
        """SHA-256 over all that the jobs read."""
        return compute_study_digest(self.images_digest, self.source_digests)

    def compute_data_digest(self, job: TrainingJob) -> str:
        """SHA-256 over what a training reads."""
        digests = {source: self.source_digests[source] for source in job.sources}
        return compute_study_digest(self.images_digest, digests)

    def find_preset(self, job: TrainingJob) -> Preset:
        """The settings of a training; a network that is to drop features later must do so while it is trained."""
        preset = self.preset.with_architecture(job.network)
        is_dropping = isinstance(job.correction, Relabelling) and job.correction.uncertainty.method == "mc_dropout"
        if not is_dropping or preset.network.dropout > 0:
            return preset
        network = preset.network.model_copy(update={"dropout": preset.correction.dropout})
        return preset.model_copy(update={"network": network})

    def group_predictions(self, trained: Collection[str]) -> dict[str, tuple[TrainingJob, ...]]:
        """The jobs whose networks predict together, by the name of the label set that they write.

        Args:
            trained: names of the jobs that have a network; the others are left out.
        """
        groups: dict[str, tuple[TrainingJob, ...]] = {}
        for job in self.jobs:
            if job.name in trained:
                for name in self.name_groups(job):
                    groups[name] = (*groups.get(name, ()), job)
        return groups

    def name_groups(self, job: TrainingJob) -> tuple[str, ...]:
        """Names of the label sets that a training has a part in: that of all repeats, that of its own repeat."""
        if not self.averages_repeats:
            return (name_predictions(job),)
        together = name_network(job.labels)
        return (together,) if self.repeats == 1 else (together, self.name_scored(job))

    def name_scored(self, job: TrainingJob) -> str:
        """Name of the label set by which a training is judged: its own repeat's."""
        if not self.averages_repeats:
            return name_predictions(job)
        together = name_network(job.labels)
        return together if self.repeats == 1 else f"{together}-repeat{job.repeat}"

    @property
    def batches(self) -> list[list[str]]:
        """Names of the jobs of each task."""
        names = [job.name for job in self.jobs]
        size = self.jobs_per_task or len(names)
        return [names[start : start + size] for start in range(0, len(names), size)]


def name_predictions(job: TrainingJob) -> str:
    """Name of the label set that one repeat of a network writes over all folds."""
    return f"{job.network}-{job.labels}-repeat{job.repeat}"


def name_best_threshold(scored: str) -> str:
    """Name of the label set beside that by which a training is judged, with the threshold best on validation cases."""
    return f"{scored}-best-threshold"
