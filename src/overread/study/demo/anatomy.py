"""A synthetic head without its skull: white and grey matter, folded cortex, ventricles, cerebellum."""

from dataclasses import dataclass

import numpy as np

from overread.study.demo.cortex import compute_midline_gap, compute_sulci
from overread.study.demo.noise import sample_smooth_noise
from overread.study.demo.shapes import (
    HEAD_GRID,
    Field,
    Point,
    compute_ellipsoid,
    compute_tube,
    join_smoothly,
    soften,
)

_CORTEX_MM = 3.2


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
    ventricles = _compute_ventricles(axes, physique.atrophy)
    cerebrum = _compute_cerebrum(axes)
    hindbrain = _compute_hindbrain(axes)
    sulci = compute_sulci(axes, cerebrum, generator)
    midline = compute_midline_gap(axes)
    brain = soften(np.maximum(cerebrum, hindbrain) + 0.8, 0.9)
    pia = np.minimum(np.minimum(cerebrum, sulci), midline)
    depth = np.maximum(pia, hindbrain)
    width = 0.45 + 0.55 * physique.atrophy
    fluid = np.maximum(soften(ventricles, 0.9), 1 - soften(depth - width, 0.9)) * brain
    grey = 1 - soften(depth - width - _CORTEX_MM, 0.9)
    grey = np.maximum(np.where(hindbrain > pia, _shade_hindbrain(axes, hindbrain), grey), _compute_deep_grey(axes))
    grey = grey * (brain - fluid)
    return Anatomy(brain, brain - fluid - grey, grey, fluid, ventricles, depth)


def _sample_warped_axes(physique: Physique, generator: np.random.Generator) -> tuple[Field, Field, Field]:
    """Coordinates of an average head at each point of this head: scaled, and bent smoothly by some millimetres."""
    bends = [sample_smooth_noise(HEAD_GRID.shape, 11.0, generator) for _ in range(3)]
    x, y, z = (
        axis / np.float32(scale) + np.float32(1.6) * bend
        for axis, scale, bend in zip(HEAD_GRID.axes_mm(), physique.scale, bends, strict=True)
    )
    return x, y, z


def _compute_cerebrum(axes: tuple[Field, Field, Field]) -> Field:
    """Signed distance to the outline of both hemispheres, without sulci."""
    x, y, z = axes
    side = (np.abs(x) * (1 + np.float32(0.0022) * (y + 20)), y, z)
    hemisphere = compute_ellipsoid(side, (15.0, -4.0, 9.0), (49.0, 82.0, 51.0))
    floor = z + 25 - 0.10 * y + 0.006 * np.maximum(y - 10, 0) ** 1.5
    hemisphere = np.minimum(hemisphere, floor)
    temporal = compute_ellipsoid(side, (43.0, 0.0, -22.0), (18.0, 40.0, 19.0))
    return join_smoothly(hemisphere, temporal, 5.0)


def _compute_hindbrain(axes: tuple[Field, Field, Field]) -> Field:
    """Signed distance to cerebellum and brainstem."""
    x, y, z = axes
    cerebellum = compute_ellipsoid((np.abs(x), y, z), (20.0, -54.0, -40.0), (29.0, 25.0, 19.0))
    stem = compute_tube(axes, [(0, -14, -4), (0, -20, -28), (0, -28, -66)], [13.0, 14.0, 9.0])
    return join_smoothly(cerebellum, stem, 6.0)


def _shade_hindbrain(axes: tuple[Field, Field, Field], hindbrain: Field) -> Field:
    """Share of grey matter in cerebellum (grey with a white core and thin leaves) and brainstem (mostly white)."""
    x, y, z = axes
    core = compute_ellipsoid((np.abs(x), y, z), (17.0, -46.0, -38.0), (15.0, 11.0, 7.0))
    stem = compute_tube(axes, [(0, -14, -4), (0, -20, -28), (0, -28, -66)], [12.0, 13.0, 8.0])
    leaves = 0.78 + 0.22 * np.sin(hindbrain * np.float32(1.35))
    return np.asarray(leaves * (1 - soften(np.maximum(core, stem), 1.5)) + np.float32(0.12), np.float32).clip(0, 1)


def _compute_ventricles(axes: tuple[Field, Field, Field], atrophy: float) -> Field:
    """Signed distance to the lateral and third ventricles; atrophy widens them by up to 3 mm."""
    x, y, z = axes
    side = (np.abs(x), y, z)
    body = [(9, 33, 3), (9, 20, 12), (11, 0, 18), (15, -22, 17), (23, -38, 8), (22, -56, 5)]
    lateral = compute_tube(side, [(float(a), float(b), float(c)) for a, b, c in body], [3.0, 4.5, 4.0, 4.0, 5.0, 1.5])
    horn = compute_tube(side, [(23.0, -38.0, 8.0), (33.0, -20.0, -14.0), (31.0, -6.0, -19.0)], [4.0, 1.5, 1.5])
    third = compute_ellipsoid(axes, (0.0, -6.0, -2.0), (1.8, 13.0, 9.0))
    return np.maximum(np.maximum(lateral, horn), third) + np.float32(-0.6 + 3.0 * atrophy)


def _compute_deep_grey(axes: tuple[Field, Field, Field]) -> Field:
    """Share of grey matter in caudate, putamen and thalamus, 0 to 0.8."""
    side = (np.abs(axes[0]), axes[1], axes[2])
    caudate = compute_ellipsoid(side, (15.0, 15.0, 8.0), (5.0, 11.0, 8.0))
    putamen = compute_ellipsoid(side, (26.0, 3.0, 1.0), (5.5, 16.0, 10.0))
    thalamus = compute_ellipsoid(side, (11.0, -14.0, 4.0), (8.0, 13.0, 8.5))
    nuclei = np.maximum(np.maximum(caudate, putamen), thalamus)
    return np.float32(0.8) * soften(nuclei, 1.2)
