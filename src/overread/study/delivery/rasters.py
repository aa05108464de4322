"""The images of new cases and new masks: does each fit the study, and does the study hold it already?"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np

from overread.errors import InputError, StudyError, describe_problem
from overread.study.cases import Case
from overread.study.delivery.files import ImageFiles, Locate
from overread.study.delivery.settings import AnnotationSettings
from overread.study.digest import compute_file_digest
from overread.study.importing.case_writer import binarise_mask, write_case
from overread.study.importing.plan import PlannedCase, add_slice_axis, read_channel_files
from overread.study.importing.settings import ImportSettings
from overread.study.raster import find_mismatches, find_shape_problems
from overread.study.rasters import Raster, have_same_affine, read_label_raster, read_raster, write_mask
from overread.study.study import Study
from overread.types import Mask


def stage_images(study: Study, case: Case, files: ImageFiles, *, staging: Path) -> list[str]:
    """Read and check the channels of a new case, and write them below `staging` as an import does; return problems."""
    planned = PlannedCase(case, tuple(files.values()), partial(read_channel_files, files))
    written = write_case(staging, planned, ImportSettings(), dimensions=study.settings.dimensions)
    if written.problems or set(written.channels) == set(study.settings.channels):
        return list(written.problems)
    return [_describe_channels(study, case.case_id, set(written.channels))]


def find_changed_images(study: Study, case_id: str, files: ImageFiles, *, locate: Locate) -> list[str]:
    """Name what differs between the image of a case that the study has and one that was handed in for it."""
    where = f"case {case_id!r}"
    try:
        given = read_channel_files(files)
        if set(given) != set(study.settings.channels):
            return [_describe_channels(study, case_id, set(given))]
        stored = {name: read_raster(locate(study.image_path(case_id, name))) for name in given}
    except InputError as error:
        return [f"{where}: {error}"]
    hint = "leave it out; where the image itself is wrong, replace it in the study and use `overread study commit`"
    return [
        describe_problem(
            "the image of a case that the study has must stay as it is",
            found="other content",
            where=f"{where}, channel {name!r}",
            hint=hint,
        )
        for name in given
        if not _is_same(given[name], stored[name])
    ]


def _describe_channels(study: Study, case_id: str, found: set[str]) -> str:
    return describe_problem(
        f"a case must have the channels {', '.join(study.settings.channels)}",
        found=", ".join(sorted(found)),
        where=f"case {case_id!r}",
    )


def _is_same(given: Raster, stored: Raster) -> bool:
    # 64-bit voxels are stored as float32.
    if not np.array_equal(np.asarray(given.voxels, np.float32), np.asarray(stored.voxels, np.float32)):
        return False
    if given.affine is None or stored.affine is None:
        return given.affine is stored.affine
    return have_same_affine(stored.affine, given.affine)


@dataclass(frozen=True)
class StagedMask:
    """A mask that passed every check.

    Attributes:
        change: what it is to the source; an identical one is not written.
        foreground_value: the value that stood for the structure; None where the mask is empty.
        file_name: name of the file that it came in.
        file_digest: SHA-256 of that file.
    """

    change: Literal["new", "replaced", "identical"]
    foreground_value: float | None
    file_name: str
    file_digest: str


def stage_mask(
    study: Study, case_id: str, file: Path, settings: AnnotationSettings, *, image: Path, old: Path, target: Path
) -> StagedMask:
    """Read a mask, check it against the image, and write it as 0 and 1 unless the source holds it already.

    Args:
        study: the study that it is for.
        case_id: its case.
        file: the mask that was handed in.
        settings: its source, and whether it may replace an old mask.
        image: first channel of the case.
        old: mask that the source holds, if it is there.
        target: file to write.

    Raises:
        StudyError: the file is damaged, does not fit the image, holds several structures, or must not replace `old`.
    """
    where = f"case {case_id!r}, file {file.name}"
    raster, digest = _read(file, where), compute_file_digest(file)
    fitting = _read_image(image, case_id)
    problems = find_shape_problems(raster, dimensions=study.settings.dimensions, what="a mask", where=where)
    problems = problems or find_mismatches(raster, fitting, what="a mask", other="its image", where=where)
    if problems:
        raise StudyError(problems)
    mask, value = _binarise(raster, where)
    if old.is_file():
        if _holds(old, mask):
            return StagedMask("identical", value, file.name, digest)
        if not settings.replace:
            hint = "add --replace; the old mask stays in the revisions of the study so far"
            rule = f"a mask that {settings.source} holds must stay as it is"
            raise StudyError([describe_problem(rule, found="other content", where=where, hint=hint)])
    write_mask(target, mask, fitting.affine)
    return StagedMask("replaced" if old.is_file() else "new", value, file.name, digest)


def _read(file: Path, where: str) -> Raster:
    try:
        return add_slice_axis(read_label_raster(file))
    except InputError as error:
        raise StudyError([f"{where}: {error}"]) from error


def _read_image(image: Path, case_id: str) -> Raster:
    try:
        return read_raster(image)
    except InputError as error:
        raise StudyError([f"the image of case {case_id!r}: {error}"]) from error


def _binarise(raster: Raster, where: str) -> tuple[Mask, float | None]:
    try:
        return binarise_mask(raster.voxels, ())
    except InputError as error:
        values = np.unique(raster.voxels)[:10].tolist()
        found = ", ".join(f"{value:g}" for value in values)
        hint = "write the structure of the study alone; a map of probabilities must be thresholded first"
        rule = "a mask must hold 0 and one other value"
        raise StudyError([describe_problem(rule, found=found, where=where, hint=hint)]) from error


def _holds(old: Path, mask: Mask) -> bool:
    """Whether a stored mask is whole and marks the same voxels."""
    try:
        return np.array_equal(np.asarray(read_raster(old).voxels) > 0, mask)
    except InputError:
        return False


def find_value_problems(values: Mapping[str, float | None]) -> list[str]:
    """Masks of one value each, but not of the same value, are two structures in disguise.

    Args:
        values: foreground value by case, None where the mask is empty.
    """
    cases_of: dict[float, list[str]] = {}
    for case_id, value in values.items():
        if value is not None:
            cases_of.setdefault(value, []).append(case_id)
    if len(cases_of) < 2:
        return []
    found = ", ".join(f"{value:g} in {len(cases)} ({cases[0]}, …)" for value, cases in sorted(cases_of.items()))
    hint = "if each of them stands for the structure, add the files of each in a command of their own"
    return [describe_problem("the masks must share one foreground value", found=found, hint=hint)]
