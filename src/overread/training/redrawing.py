"""Training cases whose labels are perturbed anew in every epoch."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from overread.labels.perturbation import apply_perturbation, sample_perturbation
from overread.labels.seeds import seed_generator
from overread.labels.settings import PerturbationSettings
from overread.study.resampling import resample_mask
from overread.study.study import Study
from overread.study.working_cases import WorkingCase
from overread.training.result import TrainingJob


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
