"""The images of new cases."""

from functools import partial
from pathlib import Path

import numpy as np

from overread.errors import InputError
from overread.study.cases import Case
from overread.study.delivery.files import ImageFiles, Locate
from overread.study.importing.case_writer import write_case
from overread.study.importing.channels import read_channel_files
from overread.study.importing.plan import PlannedCase
from overread.study.importing.settings import ImportSettings
from overread.study.problem import describe_problem
from overread.study.rasters import Raster, have_same_affine, read_raster
from overread.study.study import Study


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
