"""One slice as a probe sees it."""

import numpy as np
from numpy.typing import NDArray

from overread.report.figures.canvas import Figure, finish_drawing, start_drawing
from overread.report.figures.outlines import shrink_image

_WIDTH_PX = 172


def draw_probe_slice(plane: NDArray[np.float16], *, title: str) -> Figure:
    """Draw a slice (side, side) in [-1, 1], -1 black and 1 white, averaged down to the width of the picture.

    Args:
        plane: what the probe sees.
        title: what is shown, for the text alternative.
    """
    factor = max(1, len(plane) // _WIDTH_PX)
    with start_drawing(_WIDTH_PX, _WIDTH_PX) as drawing:
        drawing.set_layout_engine("none")
        axes = drawing.add_axes((0, 0, 1, 1), frameon=False, xticks=[], yticks=[])
        shown = shrink_image(plane.astype(np.float32), factor)
        axes.imshow(shown, cmap="gray", vmin=-1, vmax=1, interpolation="none", aspect="auto")
        return finish_drawing(drawing, f"{title}. From {plane.min():.2f} to {plane.max():.2f} on a scale of −1 to 1.")
