"""The variants of one kind of error, with their colour and marks."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle

from overread.labels.perturb.register import MODES
from overread.labels.variant_record import CONTROL, LabelVariant

_COLOURS = ("#d55e00", "#0072b2", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Okabe and Ito (2008)."""
MODE_COLOURS = dict(zip(MODES, cycle(_COLOURS), strict=False))
MODE_MARKERS = dict(zip(MODES, cycle("os^v"), strict=False))
MODE_MARKS = dict(zip(MODES, cycle(("dot", "square", "triangle", "wedge")), strict=False))
"""Class of the mark in the page's legend."""

_DASHES: tuple[tuple[float, ...], ...] = ((), (6, 2), (2, 2), (6, 2, 2, 2))


@dataclass(frozen=True)
class Series:
    """The variants of one kind of error.

    Attributes:
        name: the variants' name without their target Dice or vertices.
        mode: kind of error.
        variants: best labels first.
        dashes: lengths of dashes and gaps in points, empty for a full line; tells series of one mode apart.
    """

    name: str
    mode: str
    variants: tuple[LabelVariant, ...]
    dashes: tuple[float, ...]

    @property
    def colour(self) -> str:
        """Colour (#rrggbb) of the mode."""
        return MODE_COLOURS[self.mode]

    @property
    def marker(self) -> str:
        """Marker of the mode, as matplotlib names it."""
        return MODE_MARKERS[self.mode]

    @property
    def mark(self) -> str:
        """Class of the mode's mark in the page's legend."""
        return MODE_MARKS[self.mode]

    @property
    def strongest(self) -> LabelVariant:
        """The variant with the lowest label Dice."""
        return self.variants[-1]


def list_series(variants: Sequence[LabelVariant]) -> tuple[Series, ...]:
    """Group variants that differ in their target Dice or vertices alone; by mode, then in their order."""
    groups: dict[str, list[LabelVariant]] = {}
    for variant in variants:
        if variant.mode != CONTROL:
            groups.setdefault(variant.series, []).append(variant)
    return tuple(
        _build(name, groups[name], place)
        for mode in MODE_COLOURS
        for place, name in enumerate(name for name, group in groups.items() if group[0].mode == mode)
    )


def _build(name: str, group: Sequence[LabelVariant], place: int) -> Series:
    ordered = tuple(sorted(group, key=lambda variant: (-variant.achieved_dice, variant.name)))
    return Series(name, group[0].mode, ordered, _DASHES[place % len(_DASHES)])
