"""Where does the probe look? Slices of which only a part is left."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.filters import threshold_otsu
from skimage.morphology import disk

from overread.questions.acquisition_bias.probe_settings import ProbeImageSettings, Region
from overread.questions.acquisition_bias.probe_slices import SliceStack

_OPENING_RADIUS = 2
_SAMPLE_COUNT = 4000
_KNOT_COUNT = 101
_NOISE_SHARE = 0.95
_CALM_SHARE = 0.5


@dataclass(frozen=True)
class Scale:
    """How the values of a region become what a probe sees: linear between knots, constant beyond them.

    Attributes:
        values: rising, in the units of `SliceStack.slices`.
        levels: what they become, in [-1, 1].
    """

    values: tuple[float, ...]
    levels: tuple[float, ...] = (-1.0, 1.0)

    def apply(self, values: NDArray[np.float32]) -> NDArray[np.float16]:
        """Scale an array of any shape."""
        return np.interp(values, self.values, self.levels).astype(np.float16)


def find_body(plane: NDArray[np.float32], threshold: float | None) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Find the largest bright object of a slice, holes filled.

    Bright is what lies above `threshold`, or above Otsu's threshold (1979) of the slice. Thin structures such as a
    table are cut off by a morphological opening; smaller objects such as arms beside the chest are no part of the body.

    Args:
        plane: (Y, X).
        threshold: in the units of the slice; None finds it.

    Returns:
        The body (Y, X), and all that is neither body nor dark (Y, X): both empty where nothing is bright.
    """
    nothing = np.zeros(plane.shape, np.bool_)
    if plane.min() == plane.max():
        return nothing, nothing
    bright = plane > (threshold_otsu(plane) if threshold is None else threshold)
    padded = np.pad(bright, _OPENING_RADIUS, mode="edge")
    opened = ndimage.binary_opening(padded, disk(_OPENING_RADIUS))[(slice(_OPENING_RADIUS, -_OPENING_RADIUS),) * 2]
    objects, count = ndimage.label(opened)
    if count == 0:
        return nothing, bright
    largest = 1 + int(np.argmax(np.bincount(objects.ravel())[1:]))
    body = np.asarray(ndimage.binary_fill_holes(objects == largest), np.bool_)
    return body, bright & ~body


def find_bodies(slices: NDArray[np.float32], *, threshold: float | None, margin: int) -> SliceStack:
    """Find body and air in each of (N, Y, X) slices.

    Args:
        slices: in any unit.
        threshold: see `find_body`.
        margin: pixels on either side of the edge of the body, and of other bright things, that belong to neither.
    """
    bodies, airs = [], []
    for plane in slices:
        body, other = find_body(plane, threshold)
        bright = body | other
        airs.append(~(ndimage.binary_dilation(bright, iterations=margin) if margin else bright))
        bodies.append(ndimage.binary_erosion(body, iterations=margin, border_value=1) if margin else body)
    return SliceStack(slices, body=np.stack(bodies), air=np.stack(airs))


def find_region(stack: SliceStack, region: Region, settings: ProbeImageSettings) -> NDArray[np.bool_]:
    """Pixels (N, Y, X) of a region of a case.

    Noise is looked for in the calmer half of the body, where the smoothed slice changes least.
    """
    if region == "whole":
        return np.ones_like(stack.body)
    if region == "outside":
        return stack.air
    return stack.body if region == "body" else _find_calm(stack, 2 * settings.noise_sigma)


def take_residue(slices: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    """What a Gaussian filter of `sigma` pixels takes away from each of (N, Y, X) slices: noise and fine edges."""
    return np.asarray(slices - ndimage.gaussian_filter(slices, (0, sigma, sigma)), np.float32)


def sample_values(
    stack: SliceStack, region: Region, settings: ProbeImageSettings, generator: np.random.Generator
) -> NDArray[np.float32]:
    """Draw some values of a region of a case, from which `measure_scale` chooses the scale of that region."""
    values = _show(stack, region, settings)[find_region(stack, region, settings)]
    return values if values.size <= _SAMPLE_COUNT else generator.choice(values, _SAMPLE_COUNT, replace=False)


def measure_scale(samples: Sequence[NDArray[np.float32]], region: Region) -> Scale:
    """Scale of a region over all cases, whatever their class.

    Outside: a value becomes its rank among all values of air and padding, from -1 to 1, so that padding of -1024 HU is
    told from air of -1000 HU, and padding of -3024 HU flattens nothing. Noise: linear, 95 % of it within (-1, 1).

    Args:
        samples: values of each case.
        region: outside or noise.
    """
    values = np.concatenate([*samples, np.zeros(1, np.float32)] if not any(map(len, samples)) else list(samples))
    if region == "noise":
        reach = float(np.quantile(np.abs(values), _NOISE_SHARE)) or 1.0
        return Scale((-reach, reach))
    shares = np.linspace(0, 1, _KNOT_COUNT)
    knots, place = np.unique(np.quantile(values, shares).round(3), return_inverse=True)
    ranks = np.bincount(place, weights=shares) / np.bincount(place)
    return Scale(tuple(map(float, knots)), tuple(float(rank) for rank in 2 * ranks - 1))


def render_region(stack: SliceStack, region: Region, scale: Scale, settings: ProbeImageSettings) -> NDArray[np.float16]:
    """Leave one region of each slice, scaled to [-1, 1].

    What lies outside the region gets the median of the region in that slice, so that no constant of its own gives the
    outline of the region away more than it must.

    Returns:
        (N, Y, X); a slice that lacks the region is 0 everywhere.
    """
    scaled = scale.apply(_show(stack, region, settings))
    for plane, inside in zip(scaled, find_region(stack, region, settings), strict=True):
        plane[~inside] = np.median(plane[inside]) if inside.any() else 0
    return scaled


def measure_clipped(stack: SliceStack, lowest: float) -> float:
    """Share of the air of a case that lies at or below `lowest`, in [0, 1]; NaN without air."""
    values = stack.slices[stack.air]
    return float(np.mean(values <= lowest)) if values.size else float("nan")


def _show(stack: SliceStack, region: Region, settings: ProbeImageSettings) -> NDArray[np.float32]:
    return take_residue(stack.slices, settings.noise_sigma) if region == "noise" else stack.slices


def _find_calm(stack: SliceStack, sigma: float) -> NDArray[np.bool_]:
    calm = np.zeros_like(stack.body)
    for index, (plane, body) in enumerate(zip(stack.slices, stack.body, strict=True)):
        if body.any():
            slope = ndimage.gaussian_gradient_magnitude(plane, sigma)
            calm[index] = body & (slope <= np.quantile(slope[body], _CALM_SHARE))
    return calm
