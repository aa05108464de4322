"""From a case to the stack of slices that a probe draws from."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from overread.errors import InputError
from overread.questions.acquisition_bias.probe_settings import ProbeImageSettings
from overread.study.schema import IntensitySettings, StudySettings
from overread.study.study import Study
from overread.study.working_cases import normalise, resample_image

_CT_BODY_HU = -300.0
Z_SCORE_RANGE = (-3.0, 3.0)
"""What the intensity recipe z_score maps to [-1, 1], in standard deviations."""


@dataclass(frozen=True)
class SliceStack:
    """The slices of one case.

    Attributes:
        slices: (N, side, side) float32, in stored units, or z-scored where that is the study's recipe.
        body: (N, side, side), True in the body.
        air: (N, side, side), True where it is dark outside the body: air and padding.
    """

    slices: NDArray[np.float32]
    body: NDArray[np.bool_]
    air: NDArray[np.bool_]


def read_slices(study: Study, case_id: str, settings: ProbeImageSettings) -> NDArray[np.float32]:
    """Read the first channel of a case as slices (N, side, side), rows before columns.

    A volume (X, Y, Z) is cut along its last axis; of more than `most_slices` slices as many evenly spaced ones are
    kept. A 2D image is one slice. Sides are resized without regard to their proportion, as in the paper.

    Raises:
        InputError: the image is damaged.
    """
    image = study.read_image(case_id)[:1]
    if is_z_scored(study.settings.intensity, settings):
        image = normalise(image, study.settings.intensity)
    planes = image[0].transpose(2, 1, 0) if study.settings.dimensions == 3 else image[0][np.newaxis]
    kept = np.unique(np.linspace(0, len(planes) - 1, min(len(planes), settings.most_slices)).round().astype(int))
    return resample_planes(np.ascontiguousarray(planes[kept]), settings.side)


def resample_planes(planes: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """Resize each plane (N, Y, X) to (N, side, side), linear, smoothed before it is made smaller."""
    return resample_image(planes, (side, side))


def choose_window(intensity: IntensitySettings, settings: ProbeImageSettings) -> tuple[float, float]:
    """Lowest and highest value of the window for whole slices and bodies, in the units of `SliceStack.slices`."""
    if settings.window is not None:
        centre, width = settings.window
    elif intensity.recipe == "window":
        centre, width = intensity.window_centre, intensity.window_width
    else:
        return Z_SCORE_RANGE
    return centre - width / 2, centre + width / 2


def is_z_scored(intensity: IntensitySettings, settings: ProbeImageSettings) -> bool:
    """Whether slices are z-scored by case before they are windowed."""
    return settings.window is None and intensity.recipe == "z_score"


def choose_body_threshold(study: StudySettings, settings: ProbeImageSettings) -> float | None:
    """Value above which the body lies: that of the settings, else -300 HU in CT, else None, to find it slice by slice.

    Raises:
        InputError: the settings have one, but slices are z-scored.
    """
    is_scored = is_z_scored(study.intensity, settings)
    if settings.body_threshold is not None and is_scored:
        raise InputError(
            "body_threshold needs a window, for z-scored cases share no unit",
            found=settings.body_threshold,
            hint="set window, or leave body_threshold out",
        )
    if settings.body_threshold is None and study.modality.upper() == "CT" and not is_scored:
        return _CT_BODY_HU
    return settings.body_threshold
