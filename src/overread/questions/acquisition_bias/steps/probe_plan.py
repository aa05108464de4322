"""The plan of `acquisition-bias`: what the probes are asked, and on which cases."""

from dataclasses import dataclass

from overread.errors import InputError
from overread.questions.acquisition_bias.matching import Matching
from overread.questions.acquisition_bias.probe_folds import ProbeFold, shuffle_labels, split_stratified_folds
from overread.questions.acquisition_bias.probe_settings import REGIONS, ProbePreset
from overread.records import Result
from overread.settings import Settings
from overread.study.digest import compute_study_digest

PIPELINE = "acquisition-bias"


@dataclass(frozen=True)
class ProbeJob:
    """One training of a probe.

    Attributes:
        variant: what the probe sees, one of REGIONS.
        fold: its round, from 0.
        shuffle: number of the shuffle of the classes, from 1; 0 for the true classes.
    """

    variant: str
    fold: int
    shuffle: int = 0

    @property
    def name(self) -> str:
        """For example `body-fold0`, or `body-fold0-shuffle1`."""
        return f"{self.variant}-fold{self.fold}{f'-shuffle{self.shuffle}' if self.shuffle else ''}"


class ProbePlan(Result):
    """What the probes are asked, and on which cases. It names the pipeline run, see `RunIdentity`.

    Attributes:
        study: name of the study.
        target: column that they name.
        classes: the classes, sorted.
        preset_name: name of the preset.
        preset: its settings, with the folds that were chosen.
        matching: how age and sex were made alike.
        unlabelled_cases: cases left out, for they have no class, or one that was not asked for.
        folds: rounds with the true classes.
        seed: seeds everything.
        revision: commit of the study.
        images_digest: SHA-256 over images and case table.
        run_fingerprint: names the pipeline run.
    """

    study: str
    target: str
    classes: tuple[str, ...]
    preset_name: str
    preset: ProbePreset
    matching: Matching
    unlabelled_cases: tuple[str, ...]
    folds: tuple[ProbeFold, ...]
    seed: int
    revision: str
    images_digest: str
    run_fingerprint: str

    @property
    def pipeline(self) -> str:
        """Name of the pipeline."""
        return PIPELINE

    @property
    def study_digest(self) -> str:
        """SHA-256 over all that is read."""
        return compute_study_digest(self.images_digest, self.source_digests)

    @property
    def source_digests(self) -> dict[str, str]:
        """Empty: a probe sees no labels."""
        return {}

    @property
    def network_names(self) -> str:
        """The one architecture."""
        return "probe"

    @property
    def settings_yaml(self) -> str:
        """What was chosen, and the preset's full settings."""
        chosen = _Chosen(column=self.target, classes=self.classes, seed=self.seed)
        return chosen.to_yaml() + self.preset.to_yaml()

    @property
    def run_key(self) -> str:
        """Under which the result store notes that MLflow knows the run to its end."""
        return f"runs/{self.run_fingerprint}"

    @property
    def case_ids(self) -> tuple[str, ...]:
        """All cases of the probes, sorted."""
        return tuple(sorted(case.case_id for fold in self.folds for case in fold.test))

    @property
    def jobs(self) -> tuple[ProbeJob, ...]:
        """Every region in every round, with the true classes and then with those of each shuffle."""
        return tuple(
            ProbeJob(region, fold, shuffle)
            for shuffle in range(self.preset.shuffles + 1)
            for region in REGIONS
            for fold in range(len(self.folds))
        )

    def find_job(self, name: str) -> ProbeJob:
        """The job of that name.

        Raises:
            InputError: there is none.
        """
        jobs = {job.name: job for job in self.jobs}
        if name not in jobs:
            raise InputError("a job must be one of the plan", found=repr(name), hint=f"known: {', '.join(jobs)}")
        return jobs[name]

    def find_fold(self, job: ProbeJob) -> ProbeFold:
        """Cases and classes of a job; those of a shuffle are the same for every region."""
        return (self.shuffle_folds(job.shuffle) if job.shuffle else self.folds)[job.fold]

    def shuffle_folds(self, number: int) -> tuple[ProbeFold, ...]:
        """Rounds with the classes shuffled among subjects, divided anew as the true classes were.

        Args:
            number: of the shuffle, from 1.
        """
        cases = sorted((case for fold in self.folds for case in fold.test), key=lambda case: case.case_id)
        return split_stratified_folds(
            shuffle_labels(cases, seed=(self.seed, number)),
            folds=self.preset.folds,
            validation_folds=self.preset.validation_folds,
            seed=self.seed,
        )


class _Chosen(Settings):
    column: str
    classes: tuple[str, ...]
    seed: int
