"""The folds of the cortex: sulci and the fissure between the hemispheres."""

import numpy as np
from scipy import ndimage

from overread.study.demo.noise import sample_banded_noise, sample_smooth_noise
from overread.study.demo.shapes import HEAD_GRID, Axes, Field, Grid, compute_ellipsoid, compute_length

_FOLD_GRID = Grid(shape=(40, 50, 40), origin_mm=(-58.5, -73.5, -58.5), step_mm=3.0)
_FOLD_CORRELATION = 1.4
_FOLD_GRADIENT = 0.25


def compute_sulci(axes: Axes, cerebrum: Field, generator: np.random.Generator) -> Field:
    """Distance to the nearest sulcus, mm.

    Sulci are the zero surfaces of a banded random field. The field is read at points pulled towards the middle
    line of the hemisphere, so that its surfaces run inwards from the outline as sulci do; they end at a depth that
    varies.

    Args:
        axes: coordinates x, y, z in mm of an average head.
        cerebrum: (X, Y, Z) signed distance in mm to the outline of both hemispheres, positive inside.
        generator: source of the fold pattern.
    """
    folds = sample_banded_noise(_FOLD_GRID.shape, _FOLD_CORRELATION, generator)
    x, y, z = axes
    spine = (np.where(x < 0, -22, 22).astype(np.float32), np.clip(y, -45, 45), np.full_like(z, 4))
    offsets = [axis - middle for axis, middle in zip(axes, spine, strict=True)]
    radius = compute_length(offsets)
    pull = (26 + 0.35 * radius) / np.maximum(radius, 1)
    points = [
        (middle + pull * offset - start) / _FOLD_GRID.step_mm
        for middle, offset, start in zip(spine, offsets, _FOLD_GRID.origin_mm, strict=True)
    ]
    value = np.asarray(ndimage.map_coordinates(folds, points, order=1, mode="nearest"), np.float32)
    reach = 15 + 4 * sample_smooth_noise(HEAD_GRID.shape, 9.0, generator)
    core = compute_ellipsoid(axes, (0.0, -6.0, 4.0), (34.0, 50.0, 30.0))
    return np.asarray(np.maximum(np.abs(value) / _FOLD_GRADIENT, np.maximum(cerebrum - reach, core)))


def compute_midline_gap(axes: Axes) -> Field:
    """Distance to the fissure between the hemispheres, which stops at the corpus callosum."""
    x, y, z = axes
    across = compute_ellipsoid((np.zeros_like(x), y, z), (0.0, -6.0, 2.0), (1e3, 46.0, 28.0))
    return np.maximum(np.abs(x), across)
