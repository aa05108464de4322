"""The regions of an average head as signed distances in mm.

Coordinates: x to the right, y to the front, z to the top of the head, 0 between the thalami.
"""

import numpy as np

from overread.study.demo.shapes import (
    Axes,
    Field,
    Point,
    compute_ellipsoid,
    compute_tube,
    join_smoothly,
    shift,
    soften,
)

_BRAINSTEM: tuple[Point, ...] = ((0, -14, -4), (0, -20, -28), (0, -28, -66))
_LATERAL_VENTRICLE: tuple[Point, ...] = (
    (9, 33, 3),
    (9, 20, 12),
    (11, 0, 18),
    (15, -22, 17),
    (23, -38, 8),
    (22, -56, 5),
)
_TEMPORAL_HORN: tuple[Point, ...] = ((23, -38, 8), (33, -20, -14), (31, -6, -19))


def compute_cerebrum(axes: Axes) -> Field:
    """Signed distance to the outline of both hemispheres, without sulci."""
    x, y, z = axes
    side = (np.abs(x) * (1 + 0.0022 * (y + 20)), y, z)
    hemisphere = compute_ellipsoid(side, (15.0, -4.0, 9.0), (49.0, 82.0, 51.0))
    floor = z + 25 - 0.10 * y + 0.006 * np.maximum(y - 10, 0) ** 1.5
    hemisphere = np.minimum(hemisphere, floor)
    temporal = compute_ellipsoid(side, (43.0, 0.0, -22.0), (18.0, 40.0, 19.0))
    return join_smoothly(hemisphere, temporal, 5.0)


def compute_hindbrain(axes: Axes) -> Field:
    """Signed distance to cerebellum and brainstem."""
    x, y, z = axes
    cerebellum = compute_ellipsoid((np.abs(x), y, z), (20.0, -54.0, -40.0), (29.0, 25.0, 19.0))
    stem = compute_tube(axes, _BRAINSTEM, [13.0, 14.0, 9.0])
    return join_smoothly(cerebellum, stem, 6.0)


def shade_hindbrain(axes: Axes, hindbrain: Field) -> Field:
    """Share of grey matter in cerebellum (grey with a white core and thin leaves) and brainstem (mostly white)."""
    x, y, z = axes
    core = compute_ellipsoid((np.abs(x), y, z), (17.0, -46.0, -38.0), (15.0, 11.0, 7.0))
    stem = compute_tube(axes, _BRAINSTEM, [12.0, 13.0, 8.0])
    leaves = 0.78 + 0.22 * np.sin(hindbrain * 1.35)
    return np.asarray(leaves * (1 - soften(np.maximum(core, stem), 1.5)) + 0.12, np.float32).clip(0, 1)


def compute_ventricles(axes: Axes, atrophy: float) -> Field:
    """Signed distance to the lateral and third ventricles; atrophy widens them by up to 3 mm."""
    x, y, z = axes
    side = (np.abs(x), y, z)
    lateral = compute_tube(side, _LATERAL_VENTRICLE, [3.0, 4.5, 4.0, 4.0, 5.0, 1.5])
    horn = compute_tube(side, _TEMPORAL_HORN, [4.0, 1.5, 1.5])
    third = compute_ellipsoid(axes, (0.0, -6.0, -2.0), (1.8, 13.0, 9.0))
    return shift(np.maximum(np.maximum(lateral, horn), third), -0.6 + 3.0 * atrophy)


def compute_deep_grey(axes: Axes) -> Field:
    """Share of grey matter in caudate, putamen and thalamus, 0 to 0.8."""
    side = (np.abs(axes[0]), axes[1], axes[2])
    caudate = compute_ellipsoid(side, (15.0, 15.0, 8.0), (5.0, 11.0, 8.0))
    putamen = compute_ellipsoid(side, (26.0, 3.0, 1.0), (5.5, 16.0, 10.0))
    thalamus = compute_ellipsoid(side, (11.0, -14.0, 4.0), (8.0, 13.0, 8.5))
    nuclei = np.maximum(np.maximum(caudate, putamen), thalamus)
    return 0.8 * soften(nuclei, 1.2)
