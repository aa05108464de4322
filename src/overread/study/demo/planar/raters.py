"""Two raters who know the object and draw its border on the wrong side."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from overread.study.demo.fields import sample_smooth_noise
from overread.study.demo.planar.look import REFERENCE_SIZE
from overread.study.demo.planar.shape import Plane, keep_largest_piece
from overread.types import Mask

_TREMOR, _TREMOR_WIDTH = 0.3, 4
_HALF_PIXEL = 0.5


@dataclass(frozen=True)
class Rater:
    """How a rater outlines objects.

    Attributes:
        name: of the source.
        description: in `study.yaml`.
        margin: how far outside the border the rater draws, px of an image of `REFERENCE_SIZE`; inside if negative.
    """

    name: str
    description: str
    margin: float


RATERS = (
    Rater("rater1", "draws inside the border", -1),
    Rater("rater2", "draws outside the border", 2),
)


def draw_outline(rater: Rater, truth: Mask, generator: np.random.Generator) -> Mask:
    """The mask of a rater, (Y, X): the truth grown by the rater's margin, up to a smooth tremor; one piece."""
    scale = len(truth) / REFERENCE_SIZE
    tremor = _TREMOR * sample_smooth_noise(truth.shape, _TREMOR_WIDTH * scale, generator)
    return keep_largest_piece(compute_border_distance(truth) + scale * (rater.margin + tremor) > 0)


def compute_border_distance(mask: Mask) -> Plane:
    """Signed distance from the middle of each pixel to the border of a mask, (Y, X) in px, positive inside.

    The border runs between pixels, half a pixel from the middle of those on both sides.
    """
    inside, outside = ndimage.distance_transform_edt(mask), ndimage.distance_transform_edt(~mask)
    return np.where(mask, inside - _HALF_PIXEL, _HALF_PIXEL - outside)
