"""Step: outline cases with one trained network."""

from collections.abc import Sequence
from pathlib import Path
from typing import cast

from overread.errors import InputError
from overread.inference.ensemble import write_predicted_mask
from overread.inference.settings import InferenceSettings
from overread.networks.hardware import DeviceName, select_device
from overread.runs.progress import report_progress
from overread.study.output_folder import check_is_outside_labels, check_masks_are_free
from overread.study.study import Study, compute_load


def run(folder: Path, network: Path, output: Path, *, case_ids: Sequence[str], device: str) -> None:
    """Write one mask per case into `output`.

    Raises:
        InputError: a case is not one of the study, the network needs other channels, or the output folder lies among
            labels or holds a mask of a case.
    """
    check_is_outside_labels(folder, output)
    study, settings = Study.open(folder), InferenceSettings()
    check_masks_are_free(study, output, case_ids)
    for case_id in case_ids:
        if case_id not in study.case_ids:
            raise InputError("a case must be one of the study", found=repr(case_id))
    for case_id in case_ids or study.case_ids:
        mask = write_predicted_mask(
            study,
            case_id,
            [network],
            folder=output,
            settings=settings,
            device=select_device(cast(DeviceName, device)),
        )
        load = compute_load(mask, study.read_spacing(case_id))
        report_progress(f"{case_id}: {load:.3g} {study.settings.load_unit}")
