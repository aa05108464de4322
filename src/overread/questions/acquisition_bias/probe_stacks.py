"""The slices of all cases in every region, on disk, so that probes side by side share them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from overread.questions.acquisition_bias.probe_regions import (
    Scale,
    find_bodies,
    measure_clipped,
    measure_scale,
    render_region,
    sample_values,
)
from overread.questions.acquisition_bias.probe_settings import REGIONS, ProbeImageSettings, Region
from overread.questions.acquisition_bias.probe_slices import (
    SliceStack,
    choose_body_threshold,
    choose_window,
    read_slices,
)
from overread.records import Result
from overread.study.study import Study

_MEASURED: tuple[Region, ...] = ("outside", "noise")
_RAW = "raw"


class StackSummary(Result):
    """How the slices of a study were made.

    Attributes:
        scales: knots of the scale of each region: values in stored units, or z-scores, and levels in [-1, 1].
        body_threshold: the body is brighter; None where it was found slice by slice.
        slice_counts: slices of each case.
        empty_cases: per region, the cases that show nothing of it.
        hidden_air_share: share of air and padding that the window of whole slices maps to its lowest value, mean over
            the cases that have any; None without.
    """

    scales: dict[Region, tuple[tuple[float, ...], tuple[float, ...]]]
    body_threshold: float | None
    slice_counts: dict[str, int]
    empty_cases: dict[Region, tuple[str, ...]]
    hidden_air_share: float | None

    def find_scale(self, region: Region) -> Scale:
        """The scale of a region."""
        return Scale(*self.scales[region])


def write_stacks(
    study: Study, case_ids: Sequence[str], settings: ProbeImageSettings, folder: Path, *, seed: int
) -> StackSummary:
    """Write each case as `<region>/<case>.npy`, (N, side, side) float16 in [-1, 1].

    Args:
        study: where images are read.
        case_ids: the cases.
        settings: size, window and regions.
        folder: a folder that is to hold them.
        seed: of the values from which scales are measured.

    Raises:
        InputError: an image is damaged, or the settings do not fit the study.
    """
    threshold, window = (
        choose_body_threshold(study.settings, settings),
        choose_window(study.settings.intensity, settings),
    )
    for name in (_RAW, *REGIONS):
        (folder / name).mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(seed)
    samples: dict[Region, list[NDArray[np.float32]]] = {region: [] for region in _MEASURED}
    hidden, slice_counts = [], {}
    for case_id in case_ids:
        stack = find_bodies(read_slices(study, case_id, settings), threshold=threshold, margin=settings.margin)
        np.savez(folder / _RAW / f"{case_id}.npz", slices=stack.slices, body=stack.body, air=stack.air)
        slice_counts[case_id] = len(stack.slices)
        hidden.append(measure_clipped(stack, window[0]))
        for region in _MEASURED:
            samples[region].append(sample_values(stack, region, settings, generator))
    scales: dict[Region, Scale] = {"whole": Scale(window), "body": Scale(window)}
    scales |= {region: measure_scale(samples[region], region) for region in _MEASURED}
    empty = _render_all(folder, case_ids, scales, settings)
    known = [share for share in hidden if not np.isnan(share)]
    return StackSummary(
        scales={region: (scale.values, scale.levels) for region, scale in scales.items()},
        body_threshold=threshold,
        slice_counts=slice_counts,
        empty_cases=empty,
        hidden_air_share=float(np.mean(known)) if known else None,
    )


def open_stacks(folder: Path, region: Region, case_ids: Sequence[str]) -> dict[str, NDArray[np.float16]]:
    """Map the slices of cases in a region into memory."""
    return {case_id: np.load(folder / region / f"{case_id}.npy", mmap_mode="r") for case_id in case_ids}


def _render_all(
    folder: Path, case_ids: Sequence[str], scales: Mapping[Region, Scale], settings: ProbeImageSettings
) -> dict[Region, tuple[str, ...]]:
    empty: dict[Region, list[str]] = {region: [] for region in scales}
    for case_id in case_ids:
        path = folder / _RAW / f"{case_id}.npz"
        with np.load(path) as raw:
            stack = SliceStack(raw["slices"], body=raw["body"], air=raw["air"])
        path.unlink()
        for region, scale in scales.items():
            shown = render_region(stack, region, scale, settings)
            np.save(folder / region / f"{case_id}.npy", shown)
            if shown.min() == shown.max():
                empty[region].append(case_id)
    return {region: tuple(cases) for region, cases in empty.items()}
