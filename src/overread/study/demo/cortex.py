"""The folds of the cortex: sulci and the fissure between the hemispheres."""

import numpy as np
from scipy import ndimage

from overread.study.demo.noise import sample_banded_noise, sample_smooth_noise
from overread.study.demo.shapes import HEAD_GRID, Field, Grid, compute_ellipsoid

_FOLD_GRID = Grid(shape=(40, 50, 40), origin_mm=(-58.5, -73.5, -58.5), step_mm=3.0)
_FOLD_CORRELATION = 1.4
_FOLD_GRADIENT = 0.25


def compute_sulci(axes: tuple[Field, Field, Field], cerebrum: Field, generator: np.random.Generator) -> Field:
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
    spine = (np.copysign(np.float32(22), x), np.clip(y, -45, 45), np.float32(4))
    offsets = [axis - middle for axis, middle in zip(axes, spine, strict=True)]
    radius = np.sqrt(offsets[0] ** 2 + offsets[1] ** 2 + offsets[2] ** 2)
    pull = (26 + np.float32(0.35) * radius) / np.maximum(radius, 1)
    points = [
        (middle + pull * offset - np.float32(start)) / np.float32(_FOLD_GRID.step_mm)
        for middle, offset, start in zip(spine, offsets, _FOLD_GRID.origin_mm, strict=True)
    ]
    value = ndimage.map_coordinates(folds, points, order=1, mode="nearest")
    reach = 15 + 4 * sample_smooth_noise(HEAD_GRID.shape, 9.0, generator)
    core = compute_ellipsoid(axes, (0.0, -6.0, 4.0), (34.0, 50.0, 30.0))
    return np.maximum(np.maximum(np.abs(value) / np.float32(_FOLD_GRADIENT), cerebrum - reach), core)


def compute_midline_gap(axes: tuple[Field, Field, Field]) -> Field:
    """Distance to the fissure between the hemispheres, which stops at the corpus callosum."""
    x, y, z = axes
    across = compute_ellipsoid((np.float32(0) * x, y, z), (0.0, -6.0, 2.0), (1e3, 46.0, 28.0))
    return np.maximum(np.abs(x), across)
