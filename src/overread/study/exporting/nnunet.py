"""Export to the raw format of nnU-Net version 2, one data set per source."""

import json
import shutil
from pathlib import Path
from typing import Any

from overread.errors import InputError
from overread.study.output_folder import create_folder, measure_bytes
from overread.study.study import Study

DATASET_ID = 501
"""Ids below 500 are in use for public data sets."""


def export_nnunet(study: Study, target: Path, *, source: str, dataset_id: int = DATASET_ID) -> Path:
    """Write one source as `target/DatasetXXX_<study>_<source>`, where `target` is what nnU-Net calls nnUNet_raw.

    Labelled cases go to `imagesTr` and `labelsTr`, the others to `imagesTs`. Files are copied byte by byte, since the
    masks of a study are 0 and 1 already. nnU-Net chooses its normalisation by the channel's name, so the channels of a
    CT study are all called CT.

    Args:
        study: what to export.
        target: existing or new folder of data sets.
        source: whose masks.
        dataset_id: number from 1 to 999 that no other data set in `target` has.

    Returns:
        The new data set's folder.

    Raises:
        InputError: the source is unknown or has labelled nothing, an image is missing, or the id is taken.
        StorageError: there is no room or no permission.
    """
    study.select_sources((source,))
    labelled = study.labelled_case_ids(source)
    if not labelled:
        raise InputError("a source must have labelled a case to be exported", found="none", where=f"source {source!r}")
    _check_dataset_id(target, dataset_id)
    dataset = target / f"Dataset{dataset_id:03}_{study.settings.name}_{source}"
    copies = _list_copies(study, source, labelled)
    with create_folder(dataset, expected_bytes=measure_bytes(iter(copies.values()))) as folder:
        for name in ("imagesTr", "labelsTr"):
            (folder / name).mkdir()
        for relative, path in copies.items():
            (folder / relative).parent.mkdir(exist_ok=True)
            shutil.copyfile(path, folder / relative)
        text = json.dumps(_describe_dataset(study, source, len(labelled)), indent=2, ensure_ascii=False)
        (folder / "dataset.json").write_text(text + "\n", encoding="utf-8")
    return dataset


def _check_dataset_id(target: Path, dataset_id: int) -> None:
    if not 1 <= dataset_id <= 999:
        raise InputError("dataset_id must be a number from 1 to 999", found=dataset_id)
    taken = [path.name for path in target.glob(f"Dataset{dataset_id:03}_*")]
    if taken:
        raise InputError("dataset_id must be free", found=dataset_id, where=f"{taken[0]} has it", hint="choose another")


def _list_copies(study: Study, source: str, labelled: tuple[str, ...]) -> dict[str, Path]:
    """Files of the study by their place in the data set.

    Raises:
        InputError: an image is missing.
    """
    copies: dict[str, Path] = {}
    for case_id in study.case_ids:
        part = "imagesTr" if case_id in labelled else "imagesTs"
        for index, channel in enumerate(study.settings.channels):
            copies[f"{part}/{case_id}_{index:04}{study.suffix}"] = study.image_path(case_id, channel)
    for path in copies.values():
        if not path.is_file():
            hint = "fetch it with `dvc pull`, or run `overread study check`"
            raise InputError("an image must exist", found=path.relative_to(study.root), hint=hint)
    return copies | {f"labelsTr/{case_id}{study.suffix}": study.labels(source).path(case_id) for case_id in labelled}


def _describe_dataset(study: Study, source: str, labelled_count: int) -> dict[str, Any]:
    settings = study.settings
    is_ct = settings.modality.casefold() == "ct"
    return {
        "channel_names": {str(index): "CT" if is_ct else name for index, name in enumerate(settings.channels)},
        "labels": {"background": 0, settings.target: 1},
        "numTraining": labelled_count,
        "file_ending": study.suffix,
        "name": settings.name,
        "description": f"{settings.target} as outlined by {source}",
    }
