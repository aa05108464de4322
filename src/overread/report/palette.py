"""Colours of sources and shades of table cells, safe for colour-blind readers and for grey print."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

Colours: TypeAlias = Mapping[str, str]
"""Colour (#rrggbb) of each source; its network has the same one, hollow or dashed."""

SOURCE_COLOURS = ("#e69f00", "#0072b2", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#8c8c8c", "#f0e442")
"""Okabe and Ito (2008), grey for black, ordered so that the first pairs differ most."""

INK = "#1d2733"
MUTED = "#5b6875"
GRID = "#d9dfe5"
_DEEPEST_SHADE = (150, 196, 226)


def assign_colours(sources: Sequence[str]) -> dict[str, str]:
    """Give each source its colour, by its place; colours repeat after eight."""
    return {source: SOURCE_COLOURS[place % len(SOURCE_COLOURS)] for place, source in enumerate(sources)}


def compute_luminance(colour: str) -> float:
    """Relative luminance of an sRGB colour, in [0, 1] (WCAG 2.2)."""
    channels = (int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5))
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def compute_contrast(first: str, second: str) -> float:
    """Contrast ratio of two colours, from 1 to 21 (WCAG 2.2)."""
    low, high = sorted((compute_luminance(first), compute_luminance(second)))
    return (high + 0.05) / (low + 0.05)


def shade_cell(strength: float) -> str:
    """Background of a table cell, from white (0) to a light blue (1) on which dark text stays legible."""
    kept = min(max(strength, 0.0), 1.0)
    return "#" + "".join(f"{round(255 + kept * (deepest - 255)):02x}" for deepest in _DEEPEST_SHADE)
