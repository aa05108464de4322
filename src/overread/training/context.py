"""What one training is given: its cases, redrawn in every epoch where the job says so, and what its parts share."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from torch import nn

from overread.errors import InputError
from overread.labels.perturbation import apply_perturbation, sample_perturbation
from overread.labels.seeds import seed_generator
from overread.labels.settings import PerturbationSettings
from overread.networks.build import build_network
from overread.networks.settings import SavedNetworkSettings, count_network_dimensions
from overread.study.study import Study
from overread.study.working_cases import WorkingCase, read_working_cases, resample_mask
from overread.training.history import EpochReport
from overread.training.loop import Session
from overread.training.presets import Preset
from overread.training.result import TrainingJob
from overread.training.settings import TrainingSettings
from overread.types import Mask


@dataclass(frozen=True)
class JobCases:
    """What a training reads.

    Attributes:
        train: cases with the masks of the source that is learnt, then those with the masks that are added.
        validation: cases with the masks of the source that validates.
        learnt_masks: masks (*W) of validation cases from the source that is learnt, where that is another one.
    """

    train: tuple[WorkingCase, ...]
    validation: tuple[WorkingCase, ...]
    learnt_masks: Mapping[str, Mask]


def read_job_cases(study: Study, job: TrainingJob, settings: TrainingSettings) -> JobCases:
    """Read the cases of a job that its sources have labelled.

    Raises:
        InputError: no case is left to train or to validate on.
    """
    learnt, validating = study.labels(job.source), study.labels(job.validation_source or job.source)
    train, validation = (
        read_working_cases(study, labels, labels.select_labelled(case_ids), settings.working_spacing)
        for labels, case_ids in ((learnt, job.train_cases), (validating, job.validation_cases))
    )
    if job.added:
        added = study.labels(job.added.source)
        train += read_working_cases(study, added, added.select_labelled(job.added.cases), settings.working_spacing)
    if not train or not validation:
        raise InputError(
            "a training must have labelled training and validation cases",
            found=f"{len(train)} and {len(validation)}",
            where=f"source {job.source!r}",
        )
    both = set(learnt.select_labelled(job.validation_cases)) if learnt != validating else set()
    masks = {
        case.case_id: resample_mask(learnt.read(case.case_id), case.mask.shape)
        for case in validation
        if case.case_id in both
    }
    return JobCases(train, validation, masks)


def draw_training_cases(
    study: Study, job: TrainingJob, cases: Sequence[WorkingCase]
) -> Callable[[int], Sequence[WorkingCase]]:
    """What the loss sees in each epoch, counted from 0.

    Without redrawn labels these are `cases` in every epoch. With them, each case's mask is read as it is stored,
    perturbed with a generator that is seeded by the job, the epoch and the case, and brought to the working grid
    (Heller et al. 2018: the authors' program draws a new perturbation each time it reads a slice).
    """
    if job.redrawn is None:
        return lambda _: cases
    perturbation = job.redrawn.perturbation
    return lambda epoch: tuple(_redraw(study, job, case, perturbation, epoch) for case in cases)


def _redraw(
    study: Study, job: TrainingJob, case: WorkingCase, perturbation: PerturbationSettings, epoch: int
) -> WorkingCase:
    record = sample_perturbation(perturbation, seed_generator(job.seed, epoch, case.case_id))
    mask = study.labels(job.source).read(case.case_id)
    perturbed = apply_perturbation(mask, record, study.read_spacing(case.case_id))
    return replace(case, mask=resample_mask(perturbed, case.mask.shape))


@dataclass(frozen=True)
class TrainingContext:
    """A training that is about to begin.

    Attributes:
        study: the study.
        job: what to train on what.
        preset: how.
        cases: the job's cases, in memory.
        session: where to train, and what to resume.
    """

    study: Study
    job: TrainingJob
    preset: Preset
    cases: JobCases
    session: Session[EpochReport]

    def build_network(self) -> nn.Module:
        """An untrained network, from torch's generator."""
        saved = self.describe_network()
        return build_network(saved.network, dimensions=saved.dimensions, channel_count=len(saved.channels))

    def describe_network(self) -> SavedNetworkSettings:
        """What is stored with the network."""
        settings = self.preset.training
        return SavedNetworkSettings(
            network=self.preset.network,
            dimensions=count_network_dimensions(settings.sampling.patch_size),
            channels=self.study.settings.channels,
            intensity=self.study.settings.intensity,
            patch_size=settings.sampling.patch_size,
            working_spacing=settings.working_spacing,
            precision=settings.precision,
        )
