"""The layout `folders`: images in one place, one folder of masks per source, names given by patterns."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Literal

from overread.errors import describe_problem, make_study_error
from overread.study.cases import Case
from overread.study.file_endings import NIFTI_SUFFIXES
from overread.study.importing.pattern import FilePattern, list_files, match_first
from overread.study.importing.plan import SINGLE_CHANNEL, ImportPlan, PlannedCase, read_channel_files
from overread.study.importing.settings import ImportSettings

IMAGE_PATTERNS = ("images/{case}/{channel}.*", "images/{case}.*")
LABEL_PATTERNS = ("labels/{source}/{case}.*", "labels/{case}.*")
_UNREADABLE_SUFFIXES = (
    ".jpg",
    ".jpeg",
    ".bmp",
    ".gif",
    ".webp",
    ".mha",
    ".mhd",
    ".nrrd",
    ".nhdr",
    ".npy",
    ".img",
    ".hdr",
)

FilesByKey = dict[tuple[str, str], list[Path]]
"""Files by (case, channel) or (case, source); more than one file under a key is a problem."""


def plan_folders(source: Path, settings: ImportSettings) -> ImportPlan:
    """Sort the files below `source` into images and masks by the patterns of `settings`.

    Raises:
        StudyError: no image fits the patterns.
    """
    image_patterns = [FilePattern(text) for text in ([settings.images] if settings.images else IMAGE_PATTERNS)]
    images: FilesByKey = defaultdict(list)
    files = list_files(source)
    masks = find_mask_files(source, files, settings)
    mask_files = {path for paths in masks.values() for path in paths}
    for path in files:
        found = None if path in mask_files else match_first(image_patterns, path.relative_to(source))
        if found is not None:
            images[found["case"], found.get("channel", SINGLE_CHANNEL)].append(path)
    if not images:
        looked_for = " or ".join(pattern.text for pattern in image_patterns)
        hint = "give the pattern of your image files, for example images='{case}_{channel}.nii.gz'"
        raise make_study_error(
            f"a data set must hold images named {looked_for}", found="none", where=str(source), hint=hint
        )
    problems = [*find_duplicate_files(source, images, "image"), *_find_mixed_formats(source, images)]
    problems += _find_unreadable_files(source, files) if settings.images is None else []
    cases = _plan_cases(images)
    case_ids = {planned.case.case_id for planned in cases}
    problems += [*find_duplicate_files(source, masks, "mask"), *find_stray_masks(source, masks, case_ids)]
    dimensions: Literal[2, 3] = 3 if _is_nifti(cases[0].image_files[0]) else 2
    return ImportPlan(add_masks(cases, masks), dimensions, problems=tuple(problems))


def find_mask_files(source: Path, files: Iterable[Path], settings: ImportSettings) -> FilesByKey:
    """The files that fit the label patterns, by (case, source)."""
    patterns = [FilePattern(text) for text in ([settings.labels] if settings.labels else LABEL_PATTERNS)]
    masks: FilesByKey = defaultdict(list)
    for path in files:
        if (found := match_first(patterns, path.relative_to(source))) is not None:
            masks[found["case"], found.get("source", settings.source_name)].append(path)
    return masks


def add_masks(cases: Sequence[PlannedCase], masks: FilesByKey) -> tuple[PlannedCase, ...]:
    """Give every case its masks."""
    of_case: dict[str, dict[str, Path]] = defaultdict(dict)
    for (case_id, source), paths in masks.items():
        of_case[case_id][source] = paths[0]
    return tuple(
        PlannedCase(planned.case, planned.image_files, planned.read_channels, of_case.get(planned.case.case_id, {}))
        for planned in cases
    )


def find_duplicate_files(root: Path, files: FilesByKey, what: str) -> list[str]:
    """Name the cases that have two files where one is expected."""
    return [
        describe_problem(
            f"a case must have one {what} file per {'source' if what == 'mask' else 'channel'}",
            found=" and ".join(path.relative_to(root).as_posix() for path in paths),
            where=f"case {case_id!r}",
        )
        for (case_id, _), paths in files.items()
        if len(paths) > 1
    ]


def find_stray_masks(root: Path, masks: FilesByKey, case_ids: set[str]) -> list[str]:
    """Name the masks that belong to no image."""
    return [
        describe_problem(
            "a mask must have an image", found=f"none for {paths[0].relative_to(root)}", where=f"case {case_id!r}"
        )
        for (case_id, _), paths in masks.items()
        if case_id not in case_ids
    ]


def _plan_cases(images: FilesByKey) -> list[PlannedCase]:
    channels: dict[str, dict[str, Path]] = defaultdict(dict)
    for case_id, channel in sorted(images):
        channels[case_id][channel] = images[case_id, channel][0]
    return [
        PlannedCase(Case(case_id, case_id), tuple(files.values()), partial(read_channel_files, files))
        for case_id, files in channels.items()
    ]


def _find_mixed_formats(root: Path, images: FilesByKey) -> list[str]:
    paths = [path for group in images.values() for path in group]
    volumes = [path for path in paths if _is_nifti(path)]
    if len(volumes) in (0, len(paths)):
        return []
    other = next(path for path in paths if not _is_nifti(path))
    found = f"{volumes[0].relative_to(root)} and {other.relative_to(root)}"
    return [describe_problem("all images must be NIfTI, or all PNG and TIFF", found=found)]


def _find_unreadable_files(root: Path, files: Iterable[Path]) -> list[str]:
    return [
        describe_problem(
            "an image or mask must be PNG, TIFF or NIfTI",
            found=relative.as_posix(),
            hint="convert it; labels must never have been JPEG, which blurs them",
        )
        for relative in (path.relative_to(root) for path in files)
        if relative.parts[0] in ("images", "labels") and relative.name.lower().endswith(_UNREADABLE_SUFFIXES)
    ]


def _is_nifti(path: Path) -> bool:
    return path.name.lower().endswith(NIFTI_SUFFIXES)
