"""`dataset.json`, the description that the Medical Segmentation Decathlon and nnU-Net put beside their files."""

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from overread.errors import make_study_error
from overread.study.importing.settings import ImportSettings

DATASET_FILE = "dataset.json"


def read_dataset_json(source: Path, *, required: tuple[str, ...]) -> dict[str, Any]:
    """Read `dataset.json`, which must hold the `required` keys.

    Raises:
        StudyError: it is missing, is not JSON, or lacks a key.
    """
    path = source / DATASET_FILE
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        hint = "give the folder that holds it; for a folder per source use the layout folders"
        raise make_study_error(
            f"a data set must hold {DATASET_FILE}", found="none", where=str(source), hint=hint
        ) from error
    except ValueError as error:
        raise make_study_error(f"{DATASET_FILE} must be JSON", found=str(error), where=str(source)) from error
    missing = [key for key in required if not isinstance(content, dict) or key not in content]
    if missing:
        raise make_study_error(f"{DATASET_FILE} must hold {', '.join(missing)}", where=str(source))
    return dict(content)


def list_channel_names(channels: Mapping[str, str]) -> tuple[str, ...]:
    """Channel names in the order of their index, as plain names: `{"0": "T1 post"}` gives `("T1-post",)`."""
    try:
        indices = sorted(channels, key=int)
    except (AttributeError, TypeError, ValueError) as error:
        raise make_study_error("channels must be numbered from 0", found=channels, where=DATASET_FILE) from error
    names = tuple(re.sub(r"[^A-Za-z0-9_.+-]+", "-", str(channels[index])).strip("-._+") for index in indices)
    if not names or "" in names or len(set(names)) < len(names):
        raise make_study_error("channels must have different plain names", found=dict(channels), where=DATASET_FILE)
    return names


def read_label_values(pairs: Iterable[tuple[Any, Any]]) -> dict[int, str]:
    """Names of the structures by their value in the masks.

    Raises:
        StudyError: a value is no whole number.
    """
    listed = list(pairs)
    try:
        return {int(value): str(name) for value, name in listed}
    except (TypeError, ValueError) as error:
        raise make_study_error("labels must be whole numbers", found=listed, where=DATASET_FILE) from error


def name_target(label_names: Mapping[int, str], settings: ImportSettings) -> str | None:
    """Name the structure that is imported.

    Raises:
        StudyError: there are several structures and `label_values` chooses none, or one that there is not.
    """
    structures = {value: name for value, name in label_names.items() if value != 0}
    listing = ", ".join(f"{value} {name}" for value, name in structures.items())
    if not settings.label_values and len(structures) > 1:
        hint = "choose the structure with label_values; several values make one structure together"
        raise make_study_error("the masks must outline one structure", found=listing, where=DATASET_FILE, hint=hint)
    if unknown := [value for value in settings.label_values if value not in structures]:
        raise make_study_error(f"label_values must be among {listing}", found=unknown, where=DATASET_FILE)
    chosen = settings.label_values or tuple(structures)
    return " with ".join(structures[value] for value in chosen) or None
