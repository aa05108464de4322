"""The strength that leaves a wanted Dice."""

from collections.abc import Callable
from dataclasses import dataclass

from overread.errors import SettingsError

TOLERANCE = 0.005
"""Of the Dice at both bounds of the bisection (Heller et al. 2018, section 3.1)."""
_MOST_STEPS = 40
_WEAKEST = 1e-6


@dataclass(frozen=True)
class Level:
    """A strength and the Dice that it leaves."""

    strength: float
    dice: float


@dataclass(frozen=True)
class Search:
    """What a search found.

    Attributes:
        target: the Dice that was looked for.
        tried: every strength that was tried, strength 0 included.
        has_converged: both bounds leave a Dice within 0.005 of the target.
    """

    target: float
    tried: tuple[Level, ...]
    has_converged: bool

    @property
    def nearest(self) -> Level:
        """The level whose Dice is nearest to the target."""
        return min(self.tried, key=lambda level: abs(level.dice - self.target))

    def describe_nearest(self) -> str:
        """Say which Dice are reachable next to the target, or at all if it is too low."""
        above = min(level.dice for level in self.tried if level.dice >= self.target)
        if not (below := [level.dice for level in self.tried if level.dice < self.target]):
            return f"reachable: [{above:.3f}, 1.000]"
        return f"the nearest reachable values are {max(below):.3f} and {above:.3f}"


def search_strength(
    measure: Callable[[float], float], target: float, *, start: float, factor: float, limit: float
) -> Search:
    """Bisect until weaker and stronger errors both leave a Dice within 0.005 of the target, then interpolate.

    Args:
        measure: gives the Dice at a strength; falls with the strength, but for noise.
        target: the wanted Dice, below 1.
        start: first strength that is tried.
        factor: by which the strength grows or shrinks until the target lies between two strengths, above 1.
        limit: largest strength that is tried.
    """
    tried = [Level(0.0, 1.0)]

    def try_strength(strength: float) -> Level:
        tried.append(Level(strength, measure(strength)))
        return tried[-1]

    weak, strong = Level(0.0, 1.0), try_strength(min(start, limit))
    while strong.dice >= target and strong.strength < limit:
        weak, strong = strong, try_strength(min(strong.strength * factor, limit))
    while not weak.strength and strong.dice < target and (strength := strong.strength / factor) > _WEAKEST:
        weak, strong = _place(try_strength(strength), weak, strong, target)
    if strong.dice >= target:
        return Search(target, tuple(tried), False)
    for _ in range(_MOST_STEPS):
        if has_converged := max(weak.dice - target, target - strong.dice) <= TOLERANCE:
            break
        weak, strong = _place(try_strength((weak.strength + strong.strength) / 2), weak, strong, target)
    try_strength(_interpolate(weak, strong, target))
    return Search(target, tuple(tried), has_converged)


def refuse_target(target: float, reachable: str, where: str) -> SettingsError:
    """The error of a Dice that no strength leaves."""
    rule = f"the masks must have a strength of errors that leaves a Dice of {target:g}"
    return SettingsError(rule, where=where, hint=reachable)


def _place(level: Level, weak: Level, strong: Level, target: float) -> tuple[Level, Level]:
    return (level, strong) if level.dice >= target else (weak, level)


def _interpolate(weak: Level, strong: Level, target: float) -> float:
    share = (weak.dice - target) / (weak.dice - strong.dice)
    return weak.strength + share * (strong.strength - weak.strength)
