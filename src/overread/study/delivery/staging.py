"""Checking new annotations against their study, all of them before any of them is part of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from overread.errors import StudyError, describe_problem
from overread.study.cases import Case
from overread.study.delivery.cases import NewCases, plan_new_cases
from overread.study.delivery.files import AnnotationFiles, Locate
from overread.study.delivery.rasters import (
    StagedMask,
    find_changed_images,
    find_value_problems,
    stage_images,
    stage_mask,
)
from overread.study.delivery.settings import AnnotationSettings, find_source_problems
from overread.study.study import IMAGES_FOLDER, LABELS_FOLDER, Study


@dataclass(frozen=True)
class StagedAnnotations:
    """Annotations that passed every check and wait, in the study format, for becoming part of the study.

    Attributes:
        folder: holds `images` and `labels` like a study, with what is new or replaced alone.
        settings: the source, and whether it may replace masks.
        masks: by case.
        cases: new rows of the case table.
        notes: what else someone should know.
    """

    folder: Path
    settings: AnnotationSettings
    masks: Mapping[str, StagedMask]
    cases: tuple[Case, ...]
    notes: tuple[str, ...]

    def select(self, *changes: str) -> tuple[str, ...]:
        """Cases whose masks are new, replaced or identical, by name."""
        return tuple(case_id for case_id, mask in self.masks.items() if mask.change in changes)

    @property
    def written(self) -> tuple[str, ...]:
        """Cases whose masks differ from what the source holds."""
        return self.select("new", "replaced")

    @property
    def changes_something(self) -> bool:
        """Whether the study will differ."""
        return bool(self.written or self.cases)


def list_read_files(study: Study, files: AnnotationFiles, settings: AnnotationSettings) -> tuple[Path, ...]:
    """Files of the study that `stage_annotations` reads, whether they exist or not."""
    known = set(study.case_ids)
    labels = study.labels(settings.source)
    paths = [labels.path(case_id) for case_id in files.masks if case_id in known]
    paths += [study.image_path(case_id, study.settings.channels[0]) for case_id in files.masks if case_id in known]
    delivered = [case_id for case_id in files.images if case_id in known]
    paths += [study.image_path(case_id, channel) for case_id in delivered for channel in study.settings.channels]
    return tuple(dict.fromkeys(paths))


def stage_annotations(
    study: Study, files: AnnotationFiles, settings: AnnotationSettings, *, staging: Path, locate: Locate
) -> StagedAnnotations:
    """Read every file once, check it, and write what is new below `staging` in the study format.

    Args:
        study: the study that they are for; it is only read.
        files: what was handed in.
        settings: the source of the masks.
        staging: empty folder.
        locate: where to read a file of the study.

    Raises:
        StudyError: with every problem that was found.
    """
    problems = [*find_source_problems(study, settings), *files.problems]
    new = plan_new_cases(study, files)
    problems += [*new.problems, *_find_unknown_cases(study, files, new)]
    unsound, found = _stage_all_images(study, files, new, staging=staging, locate=locate)
    problems += found
    readable = {case_id: path for case_id, path in files.masks.items() if _can_check(case_id, study, new, unsound)}
    masks: dict[str, StagedMask] = {}
    for case_id, path in readable.items():
        try:
            masks[case_id] = _stage(study, case_id, path, settings, staging=staging, locate=locate)
        except StudyError as error:
            problems += error.problems
    problems += find_value_problems({case_id: mask.foreground_value for case_id, mask in masks.items()})
    if problems:
        raise StudyError(problems)
    return StagedAnnotations(staging, settings, masks, new.cases, (*new.notes, *_note_empty(masks)))


def _find_unknown_cases(study: Study, files: AnnotationFiles, new: NewCases) -> list[str]:
    known = {*study.case_ids, *(case.case_id for case in new.cases)}
    hint = "correct the file name after cases.csv, or give the image of a new case with --images"
    return [
        describe_problem("a mask must be of a case of the study", found=path.name, where=str(path.parent), hint=hint)
        for case_id, path in files.masks.items()
        if case_id not in known
    ]


def _stage_all_images(
    study: Study, files: AnnotationFiles, new: NewCases, *, staging: Path, locate: Locate
) -> tuple[set[str], list[str]]:
    """Stage the images of new cases and compare those of others; return the cases with problems, and the problems."""
    rows = {case.case_id: case for case in new.cases}
    unsound: set[str] = set()
    problems: list[str] = []
    for case_id, channels in files.images.items():
        found: list[str] = []
        if case_id in study.subject_of:
            found = find_changed_images(study, case_id, channels, locate=locate)
        elif case_id in rows and not new.problems:
            found = stage_images(study, rows[case_id], channels, staging=staging)
        if found:
            unsound.add(case_id)
        problems += found
    return unsound, problems


def _can_check(case_id: str, study: Study, new: NewCases, unsound: set[str]) -> bool:
    """Whether there is a sound image that a mask can be compared with."""
    if case_id in unsound:
        return False
    return case_id in study.subject_of or (not new.problems and case_id in {case.case_id for case in new.cases})


def _stage(
    study: Study, case_id: str, file: Path, settings: AnnotationSettings, *, staging: Path, locate: Locate
) -> StagedMask:
    name = f"{case_id}{study.suffix}"
    image = Path(IMAGES_FOLDER, case_id, f"{study.settings.channels[0]}{study.suffix}")
    return stage_mask(
        study,
        case_id,
        file,
        settings,
        image=locate(study.root / image) if case_id in study.subject_of else staging / image,
        old=locate(study.labels(settings.source).path(case_id)),
        target=staging / LABELS_FOLDER / settings.source / name,
    )


def _note_empty(masks: Mapping[str, StagedMask]) -> tuple[str, ...]:
    empty = [case_id for case_id, mask in masks.items() if mask.foreground_value is None]
    return (f"masks that mark nothing: {', '.join(empty)}",) if empty else ()
