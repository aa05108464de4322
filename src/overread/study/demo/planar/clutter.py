"""What lies beside and across the object and is not outlined: small dark spots and thin dark lines."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from overread.study.demo.planar.look import REFERENCE_SIZE
from overread.study.demo.planar.shape import Plane, Shape
from overread.study.demo.planar.surface import compute_spot

_MOST_SPOTS, _GAP_TO_OBJECT = 3, 6
_SPOT_DEPTH, _SPOT_WIDTH = (0.4, 1.2), (1.2, 2.8)
_SHARE_WITH_LINES, _MOST_LINES = 0.6, 7
_BEND, _LINE_WIDTH, _LINE_GAIN = 10, 0.5, 1.6
_LINE_DEPTH = (0.8, 1.6)
_STEPS_PER_PIXEL = 6


def sample_spots(shape: Shape, generator: np.random.Generator) -> Plane:
    """Darkness of up to three freckles outside the object, (Y, X)."""
    size = len(shape.distance)
    scale = size / REFERENCE_SIZE
    darkness = np.zeros((size, size))
    for _ in range(generator.integers(0, _MOST_SPOTS + 1)):
        row, column = generator.uniform(0, size, size=2).tolist()
        depth, width = generator.uniform(*_SPOT_DEPTH), scale * generator.uniform(*_SPOT_WIDTH)
        if shape.distance[int(row), int(column)] < -_GAP_TO_OBJECT * scale:
            darkness += depth * compute_spot(size, row, column, width)
    return darkness


def sample_lines(size: int, generator: np.random.Generator) -> Plane:
    """Darkness of hairs, or of vessels: in most images some curved lines that cross borders, (Y, X)."""
    count = generator.integers(0, _MOST_LINES + 1) if generator.uniform() < _SHARE_WITH_LINES else 0
    drawn = np.zeros((size, size))
    for _ in range(count):
        rows, columns = _sample_curve(size, generator)
        drawn[rows, columns] = 1
    soft = ndimage.gaussian_filter(drawn, _LINE_WIDTH * size / REFERENCE_SIZE) * _LINE_GAIN
    return np.asarray(generator.uniform(*_LINE_DEPTH) * np.minimum(soft, 1))


def _sample_curve(size: int, generator: np.random.Generator) -> NDArray[np.intp]:
    """Rows and columns, (2, N), that a quadratic Bézier curve between two points of the image passes."""
    start, stop = generator.uniform(0, size, size=(2, 2))
    middle = (start + stop) / 2 + generator.normal(0, _BEND * size / REFERENCE_SIZE, size=2)
    place = np.linspace(0, 1, _STEPS_PER_PIXEL * size)[:, None]
    curve = (1 - place) ** 2 * start + 2 * place * (1 - place) * middle + place**2 * stop
    pixels = np.floor(curve).astype(np.intp)
    return np.asarray(pixels[((pixels >= 0) & (pixels < size)).all(axis=1)].T)
