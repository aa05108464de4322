"""The layout of nnU-Net raw data sets: `dataset.json`, `imagesTr`, `labelsTr`, `imagesTs`, `labelsTs`.

Isensee et al., Nature Methods 2021; version 2 of the format, and version 1, which names `modality` and numbers its
labels the other way round. One file per channel, `<case>_<four digits><file_ending>`. Where the test cases have masks,
the division into train and test is kept in the column `split`.
"""

from collections import defaultdict
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, Literal

from overread.errors import InputError, make_study_error
from overread.study.cases import Case
from overread.study.file_endings import NIFTI_SUFFIXES, RASTER_SUFFIXES
from overread.study.importing.dataset_json import (
    DATASET_FILE,
    list_channel_names,
    name_target,
    read_dataset_json,
    read_label_values,
)
from overread.study.importing.folders import FilesByKey, add_masks, find_stray_masks
from overread.study.importing.pattern import FilePattern
from overread.study.importing.plan import COLOURS, ImportPlan, PlannedCase, read_channel_files
from overread.study.importing.settings import ImportSettings
from overread.study.rasters import Raster

_IGNORED = "ignore"
_FOLDERS = {"train": ("imagesTr", "labelsTr"), "test": ("imagesTs", "labelsTs")}


def plan_nnunet(source: Path, settings: ImportSettings) -> ImportPlan:
    """List the cases in `imagesTr` and `imagesTs`.

    Raises:
        StudyError: `dataset.json` breaks a rule, or there is no image.
    """
    content = read_dataset_json(source, required=("labels",))
    channels, ending = _read_channel_names(content), _read_file_ending(content)
    target = name_target(_read_label_names(content["labels"]), settings)
    keep_split = (source / "labelsTs").is_dir()
    cases: list[PlannedCase] = []
    problems: list[str] = []
    for split, (images, labels) in _FOLDERS.items():
        masks = _find_masks(source / labels, ending, settings.source_name)
        columns = {"split": split} if keep_split else {}
        found = _plan_cases(source / images, ending, channels, columns)
        problems += find_stray_masks(source, masks, {planned.case.case_id for planned in found})
        cases += add_masks(found, masks)
    if not cases:
        raise make_study_error(f"imagesTr must hold files named <case>_0000{ending}", found="none", where=str(source))
    is_ct = all(channel.casefold() == "ct" for channel in channels)
    dimensions: Literal[2, 3] = 3 if ending in NIFTI_SUFFIXES else 2
    return ImportPlan(tuple(cases), dimensions, "CT" if is_ct else None, target, tuple(problems))


def _read_channel_names(content: dict[str, Any]) -> tuple[str, ...]:
    if "dataset" in content:
        hint = "copy the files that it lists into imagesTr and labelsTr"
        raise make_study_error(
            "files must lie in imagesTr and labelsTr", found="a list 'dataset'", where=DATASET_FILE, hint=hint
        )
    names = content.get("channel_names", content.get("modality"))
    if names is None:
        raise make_study_error("dataset.json must hold channel_names", where=DATASET_FILE)
    return list_channel_names(names)


def _read_file_ending(content: dict[str, Any]) -> str:
    ending = str(content.get("file_ending", ".nii.gz"))
    if ending not in RASTER_SUFFIXES:
        raise make_study_error(
            f"file_ending must be one of {', '.join(RASTER_SUFFIXES)}", found=ending, where=DATASET_FILE
        )
    return ending


def _read_label_names(labels: dict[str, Any]) -> dict[int, str]:
    """Version 2 maps names to values (a region: to several), version 1 values to names."""
    if not isinstance(labels, dict) or any(isinstance(value, list) for value in labels.values()):
        hint = "list the plain labels instead of regions"
        raise make_study_error("labels must have one value each", found=labels, where=DATASET_FILE, hint=hint)
    pairs = ((key, value) if str(key).isdigit() else (value, key) for key, value in labels.items())
    return read_label_values((value, name) for value, name in pairs if name != _IGNORED)


def _find_masks(folder: Path, ending: str, source_name: str) -> FilesByKey:
    files = sorted(folder.glob(f"*{ending}")) if folder.is_dir() else []
    return {(path.name.removesuffix(ending), source_name): [path] for path in files if not path.name.startswith(".")}


def _plan_cases(folder: Path, ending: str, channels: tuple[str, ...], columns: dict[str, str]) -> list[PlannedCase]:
    files: dict[str, dict[str, Path]] = defaultdict(dict)
    pattern = FilePattern(f"{{case}}_{{channel}}{ending}")
    for path in sorted(folder.glob(f"*{ending}")) if folder.is_dir() else []:
        found = pattern.match(Path(path.name))
        if found is None or path.name.startswith("."):
            continue
        files[found["case"]][found["channel"]] = path
    return [
        PlannedCase(
            Case(case_id, case_id, columns), tuple(of_case.values()), partial(_read_channels, of_case, channels)
        )
        for case_id, of_case in files.items()
    ]


def _read_channels(files: Mapping[str, Path], names: tuple[str, ...]) -> dict[str, Raster]:
    """Read the files of a case and give them the names of `dataset.json`; one RGB file stands for three channels."""
    rasters = read_channel_files(files)
    is_colour = tuple(rasters) == COLOURS
    is_numbered = list(files) == [f"{index:04}" for index in range(len(names))]
    if len(rasters) != len(names) or not (is_colour or is_numbered):
        found = ", ".join(path.name for path in files.values())
        raise InputError(f"a case must have one file per channel ({', '.join(names)})", found=found)
    return dict(zip(names, rasters.values(), strict=True))
