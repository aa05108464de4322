"""Checking a study: every file is read once, and every problem is reported at once."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from overread.errors import InputError, StudyError, describe_problem
from overread.study.cases import find_case_problems, is_safe_case_id, read_unchecked_cases
from overread.study.raster import find_image_problems, find_mismatches, find_shape_problems
from overread.study.rasters import Raster, read_raster
from overread.study.schema import StudySettings
from overread.study.study import CASES_FILE, IMAGES_FOLDER, LABELS_FOLDER, SETTINGS_FILE, Study, compute_load
from overread.study.summary import StudySummary, summarise_study

Loads = dict[str, dict[str, float]]


def check_study(root: Path) -> StudySummary:
    """Check the study at `root` and count what it holds.

    Raises:
        StudyError: with every problem that was found.
        SettingsError: `study.yaml` breaks a rule.
    """
    if not (root / SETTINGS_FILE).is_file():
        Study.open(root)
    cases = read_unchecked_cases(root / CASES_FILE)
    problems = find_case_problems(cases)
    safe = {case.case_id: case for case in cases if is_safe_case_id(case.case_id)}
    study = Study(root, StudySettings.read_yaml(root / SETTINGS_FILE), tuple(safe.values()))
    loads: Loads = {source: {} for source in study.settings.sources}
    problems += _inspect(study, loads)
    if problems:
        raise StudyError(problems)
    return summarise_study(study.settings, study.cases, loads)


def find_study_problems(study: Study) -> list[str]:
    """Read every image and mask of a study once, and name every rule that one of them breaks."""
    return list(_inspect(study, {source: {} for source in study.settings.sources}))


def _inspect(study: Study, loads: Loads) -> Iterator[str]:
    """Yield problems, and put the load of every sound mask into `loads`."""
    yield from _find_stray_images(study)
    yield from _find_stray_labels(study)
    for case_id in study.case_ids:
        problems, image = _inspect_image(study, case_id)
        yield from problems
        if image is not None:
            for source in study.settings.sources:
                if study.labels(source).path(case_id).is_file():
                    yield from _inspect_mask(study, source, case_id, image, loads)


def _inspect_image(study: Study, case_id: str) -> tuple[list[str], Raster | None]:
    """Problems of the channels of a case, and its first channel where that can be compared with masks."""
    where = f"case {case_id!r}"
    channels: dict[str, Raster] = {}
    problems = []
    for channel in study.settings.channels:
        try:
            channels[channel] = read_raster(study.image_path(case_id, channel))
        except InputError as error:
            problems.append(f"{where}, channel {channel!r}: {error}")
    if not channels:
        return problems, None
    first = next(iter(channels.values()))
    dimensions = study.settings.dimensions
    problems += find_image_problems(channels, dimensions=dimensions, where=where)
    unsound = find_shape_problems(first, dimensions=dimensions, what="an image", where=where)
    return problems, None if unsound else first


def _inspect_mask(study: Study, source: str, case_id: str, image: Raster, loads: Loads) -> list[str]:
    where = f"case {case_id!r}, source {source!r}"
    try:
        raster = read_raster(study.labels(source).path(case_id))
    except InputError as error:
        return [f"{where}: {error}"]
    problems = find_shape_problems(raster, dimensions=study.settings.dimensions, what="a mask", where=where)
    problems = problems or find_mismatches(raster, image, what="a mask", other="its image", where=where)
    if problems:
        return problems
    mask = raster.voxels == 1
    if np.count_nonzero(mask) != np.count_nonzero(raster.voxels):
        values = ", ".join(f"{value:g}" for value in np.unique(raster.voxels)[:10].tolist())
        hint = "import it with `overread study import`, which turns two values into 0 and 1"
        return [describe_problem("a mask must hold 0 and 1 only", found=values, where=where, hint=hint)]
    size = study.settings.pixel_size_mm or 1.0
    loads[source][case_id] = compute_load(mask, raster.spacing_mm or (size, size))
    return []


def _find_stray_images(study: Study) -> list[str]:
    folders = _list_visible(study.root / IMAGES_FOLDER)
    known = set(study.case_ids)
    problems = [
        _report_stray("an image must have a row in cases.csv", path, study)
        for path in folders
        if path.name not in known
    ]
    expected = {f"{channel}{study.suffix}" for channel in study.settings.channels}
    for folder in folders:
        if folder.name in known and folder.is_dir():
            strays = (path for path in _list_visible(folder) if path.name not in expected)
            problems += [_report_stray("a channel must be listed in study.yaml", path, study) for path in strays]
    return problems


def _find_stray_labels(study: Study) -> list[str]:
    declared = study.settings.sources
    folders = {path.name: path for path in _list_visible(study.root / LABELS_FOLDER) if path.is_dir()}
    rule = "a folder of masks must be a source of study.yaml"
    problems = [_report_stray(rule, path, study) for name, path in folders.items() if name not in declared]
    expected = {f"{case_id}{study.suffix}" for case_id in study.case_ids}
    for name in declared:
        if name not in folders:
            hint = f"fetch it with `dvc pull`, or remove {name!r} from study.yaml"
            problems.append(
                describe_problem(f"a source must have a folder {LABELS_FOLDER}/{name}", found="none", hint=hint)
            )
            continue
        strays = (path for path in _list_visible(folders[name]) if path.name not in expected)
        rule = f"a mask must be named <case_id>{study.suffix} after a case"
        problems += [_report_stray(rule, path, study) for path in strays]
    return problems


def _list_visible(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if not path.name.startswith(".") and path.suffix != ".dvc")


def _report_stray(rule: str, path: Path, study: Study) -> str:
    return describe_problem(rule, found=path.relative_to(study.root).as_posix())
