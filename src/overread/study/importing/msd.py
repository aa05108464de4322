"""The layout of the Medical Segmentation Decathlon: `dataset.json`, `imagesTr`, `labelsTr`, `imagesTs`.

Antonelli et al., The Medical Segmentation Decathlon, Nature Communications 2022. A volume of several channels is one 4D
file, channels last. Cases of the test set have no mask; they become cases that nobody has labelled.
"""

from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from overread.errors import StudyError, describe_problem, make_study_error
from overread.study.cases import Case
from overread.study.importing.dataset_json import (
    DATASET_FILE,
    list_channel_names,
    name_target,
    read_dataset_json,
    read_label_values,
)
from overread.study.importing.pattern import strip_raster_suffix
from overread.study.importing.plan import ImportPlan, PlannedCase, read_volume_channels
from overread.study.importing.settings import ImportSettings


def plan_msd(source: Path, settings: ImportSettings) -> ImportPlan:
    """List the cases that `dataset.json` names.

    Raises:
        StudyError: `dataset.json` breaks a rule, or names a file outside the data set.
    """
    content = read_dataset_json(source, required=("modality", "labels", "training"))
    channels = list_channel_names(content["modality"])
    pairs: list[tuple[str, str | None]] = []
    pairs += [(entry["image"], entry["label"]) for entry in _read_entries(content["training"])]
    pairs += [(_read_test_entry(entry), None) for entry in content.get("test", [])]
    problems = _find_path_problems(source, [path for pair in pairs for path in pair if path is not None])
    if problems or not pairs:
        raise StudyError(problems or [describe_problem("training must name at least one case", where=DATASET_FILE)])
    cases = tuple(_plan_case(source, image, label, channels, settings.source_name) for image, label in pairs)
    is_ct = all(channel.casefold() == "ct" for channel in channels)
    target = name_target(read_label_values(dict(content["labels"]).items()), settings)
    return ImportPlan(cases, 3, modality="CT" if is_ct else "MR", target=target)


def _read_entries(entries: Any) -> list[dict[str, str]]:
    if isinstance(entries, list) and all(
        isinstance(entry, dict) and {"image", "label"} <= set(entry) for entry in entries
    ):
        return entries
    raise make_study_error("training must be a list of image and label", where=DATASET_FILE)


def _read_test_entry(entry: Any) -> str:
    return str(entry["image"] if isinstance(entry, dict) else entry)


def _find_path_problems(source: Path, paths: list[str]) -> list[str]:
    problems = []
    for text in paths:
        path = PurePosixPath(text)
        if path.is_absolute() or ".." in path.parts:
            problems.append(
                describe_problem("a path must lie inside the data set", found=repr(text), where=DATASET_FILE)
            )
        elif not (source / path).is_file():
            problems.append(
                describe_problem("a file that dataset.json names must exist", found=repr(text), where=DATASET_FILE)
            )
    return problems


def _plan_case(source: Path, image: str, label: str | None, channels: tuple[str, ...], source_name: str) -> PlannedCase:
    file = source / image
    case_id = strip_raster_suffix(file.name)
    masks = {} if label is None else {source_name: source / label}
    return PlannedCase(Case(case_id, case_id), (file,), partial(read_volume_channels, file, channels), masks)
