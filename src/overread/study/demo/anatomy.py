"""A synthetic head without its skull: white and grey matter, folded cortex, ventricles, cerebellum.

Coordinates: x to the right, y to the front, z to the top of the head, 0 between the thalami.
"""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from overread.study.demo.fields import (
    HEAD_GRID,
    Axes,
    Field,
    Grid,
    Point,
    compute_ellipsoid,
    compute_length,
    compute_tube,
    join_smoothly,
    sample_banded_noise,
    sample_smooth_noise,
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
_FOLD_GRID = Grid(shape=(40, 50, 40), origin_mm=(-58.5, -73.5, -58.5), step_mm=3.0)
_FOLD_CORRELATION = 1.4
_FOLD_GRADIENT = 0.25
_CORTEX_MM = 3.2
_COVER_MM = 0.8
_SOFTNESS_MM = 0.9


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


@dataclass(frozen=True)
class Physique:
    """What makes one head differ from another.

    Attributes:
        scale: size along x, y and z relative to the average.
        atrophy: 0 (young) to 1 (old): widens ventricles and sulci.
        seed: seed of the folding pattern.
    """

    scale: Point
    atrophy: float
    seed: int


@dataclass(frozen=True)
class Anatomy:
    """Tissue shares and distances on `HEAD_GRID`, (X, Y, Z) float32.

    Attributes:
        brain: share of brain and of the fluid between its folds, 0 to 1; what is left after skull stripping.
        white: share of white matter.
        grey: share of grey matter, cortical and deep.
        fluid: share of cerebrospinal fluid.
        ventricle_distance_mm: signed distance to the lateral ventricles, positive inside.
        depth_mm: distance from the nearest pial surface, sulci included; positive inside the brain.
    """

    brain: Field
    white: Field
    grey: Field
    fluid: Field
    ventricle_distance_mm: Field
    depth_mm: Field


def sample_physique(age_years: float, generator: np.random.Generator) -> Physique:
    """Draw the size and the fold pattern of a head."""
    width, length, height = generator.normal(1.0, 0.025, size=3).clip(0.94, 1.05)
    atrophy = float(np.clip((age_years - 25) / 40 + generator.normal(0, 0.15), 0, 1.2))
    return Physique((float(width), float(length), float(height)), atrophy, int(generator.integers(2**31)))


def build_anatomy(physique: Physique) -> Anatomy:
    """Build the head that a physique describes; the same physique gives the same head."""
    generator = np.random.default_rng(physique.seed)
    axes = _sample_warped_axes(physique, generator)
    cerebrum, hindbrain = compute_cerebrum(axes), compute_hindbrain(axes)
    folded = _fold(axes, cerebrum, generator)
    ventricles = compute_ventricles(axes, physique.atrophy)
    brain = soften(shift(np.maximum(cerebrum, hindbrain), _COVER_MM), _SOFTNESS_MM)
    depth = np.maximum(folded, hindbrain)
    parenchyma = shift(depth, -0.45 - 0.55 * physique.atrophy)
    fluid = np.maximum(soften(ventricles, _SOFTNESS_MM), 1 - soften(parenchyma, _SOFTNESS_MM)) * brain
    cortex = 1 - soften(shift(parenchyma, -_CORTEX_MM), _SOFTNESS_MM)
    shade = np.where(hindbrain > folded, shade_hindbrain(axes, hindbrain), cortex)
    grey = np.maximum(shade, compute_deep_grey(axes)) * (brain - fluid)
    return Anatomy(brain, brain - fluid - grey, grey, fluid, ventricles, depth)


def _fold(axes: Axes, cerebrum: Field, generator: np.random.Generator) -> Field:
    """Signed distance to the pial surface of the cerebrum, sulci and midline fissure included."""
    gaps = np.minimum(compute_sulci(axes, cerebrum, generator), compute_midline_gap(axes))
    return np.minimum(cerebrum, gaps)


def _sample_warped_axes(physique: Physique, generator: np.random.Generator) -> Axes:
    """Coordinates of an average head at each point of this head: scaled, and bent smoothly by some millimetres."""
    bends = [sample_smooth_noise(HEAD_GRID.shape, 11.0, generator) for _ in range(3)]
    x, y, z = (
        axis / scale + 1.6 * bend for axis, scale, bend in zip(HEAD_GRID.axes_mm(), physique.scale, bends, strict=True)
    )
    return x, y, z
