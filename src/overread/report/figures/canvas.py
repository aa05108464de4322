"""From a matplotlib figure to an image that lies inside the page: same input, same bytes."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from overread.report.palette import GRID, INK, MUTED

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing

PIXELS_PER_INCH = 96
_LEFT_READABLE = " !$()*,/:;=?@+"
_NO_METADATA = {"Creator": None, "Date": None, "Format": None, "Type": None}


@dataclass(frozen=True)
class Figure:
    """An image of a page.

    Attributes:
        svg: the image as SVG text.
        alt: what it shows, in words, for readers who do not see it.
        width_px: width at which its text has the size of the page's text, in CSS pixels.
        height_px: height at that width.
    """

    svg: str
    alt: str
    width_px: int
    height_px: int

    @property
    def data_uri(self) -> str:
        """The image as the value of an `src` attribute."""
        return "data:image/svg+xml," + quote(self.svg, safe=_LEFT_READABLE)


@contextmanager
def start_drawing(width_px: float, height_px: float) -> Iterator["Drawing"]:
    """Open a drawing with the style of the reports; draw and call `finish_drawing` inside the context."""
    import matplotlib as mpl
    from matplotlib.figure import Figure as Drawing

    with mpl.rc_context(_build_style()):
        yield Drawing(figsize=(width_px / PIXELS_PER_INCH, height_px / PIXELS_PER_INCH), layout="constrained")


def finish_drawing(drawing: "Drawing", alt: str) -> Figure:
    """Render a drawing as SVG without date, version or random identifiers."""
    buffer = io.StringIO()
    drawing.savefig(buffer, format="svg", metadata=_NO_METADATA)
    width, height = drawing.get_size_inches() * PIXELS_PER_INCH
    svg = buffer.getvalue()
    return Figure(svg[svg.index("<svg") :], alt, round(width), round(height))


def add_value_grid(axes: "Axes") -> None:
    """Draw pale horizontal lines behind the data."""
    axes.grid(axis="y", color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)


def _build_style() -> dict[Any, Any]:
    return {
        "figure.facecolor": "none",
        "axes.facecolor": "none",
        "font.family": "sans-serif",
        "font.size": 9.5,
        "axes.titlesize": 10.5,
        "axes.edgecolor": MUTED,
        "axes.labelcolor": INK,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "text.color": INK,
        "xtick.color": INK,
        "ytick.color": INK,
        "text.parse_math": False,
        "axes.formatter.useoffset": False,
        "axes.unicode_minus": True,
        "hatch.linewidth": 0.8,
        "svg.fonttype": "none",
        "svg.hashsalt": "overread",
    }
