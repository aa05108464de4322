"""The cases of a training in memory."""

from collections.abc import Mapping
from dataclasses import dataclass

from overread.errors import InputError
from overread.study.resampling import resample_mask
from overread.study.study import Study
from overread.study.working_cases import WorkingCase, read_working_cases
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
