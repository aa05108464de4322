"""Which training of a `relabel` run stands for what."""

from dataclasses import dataclass

from overread.inference.uncertainty_settings import UncertaintyMethod
from overread.labels.relabelling import FlipRule
from overread.questions.relabel.results import Correction, NoisyLabels
from overread.questions.relabel.steps.correction_choice import list_noises
from overread.runs.label_variants import LabelVariants
from overread.runs.plan import TrainingPlan
from overread.training.correction_settings import Relabelling
from overread.training.result import TrainingJob


@dataclass(frozen=True)
class Role:
    """What a training stands for in the tables.

    Attributes:
        noise: which labels it learns; empty for clean ones.
        correction: what is done about them.
        method: how uncertainty is estimated; empty unless the correction is relabel.
    """

    noise: str
    correction: Correction
    method: str


@dataclass(frozen=True)
class CorrectionDesign:
    """The design of a run, as its plan and its label variants tell it.

    Attributes:
        plan: the trainings.
        variants: the labels that they learn.
    """

    plan: TrainingPlan
    variants: LabelVariants

    @property
    def noises(self) -> tuple[NoisyLabels, ...]:
        """Labels that are repaired."""
        return list_noises(self.variants)

    @property
    def clean_source(self) -> str:
        """What counts as clean; empty where nothing does."""
        return self.plan.jobs[0].validation_source

    @property
    def methods(self) -> tuple[UncertaintyMethod, ...]:
        """How uncertainty is estimated, the main method first."""
        found = (job.correction.uncertainty.method for job in self.plan.jobs if isinstance(job.correction, Relabelling))
        return tuple(dict.fromkeys(found))

    @property
    def flips(self) -> FlipRule:
        """Which uncertain voxels change sides, the same for all trainings."""
        return next(job.correction.flips for job in self.plan.jobs if isinstance(job.correction, Relabelling))

    def find_role(self, job: TrainingJob) -> Role:
        """What a training stands for."""
        noise = next((labels.name for labels in self.noises if labels.source == job.source), "")
        if isinstance(job.correction, Relabelling):
            return Role(noise, "relabel", job.correction.uncertainty.method)
        if job.correction == "reweight":
            return Role(noise, "reweight", "")
        return Role(noise, "none" if noise else "clean", "")

    def list_jobs(self, role: Role) -> tuple[TrainingJob, ...]:
        """The trainings that stand for the same, one per fold."""
        return tuple(job for job in self.plan.jobs if self.find_role(job) == role)
