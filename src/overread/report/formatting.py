"""Numbers as text, for people: true minus signs, no "-0.00", no false precision."""

import math
from typing import NamedTuple

from overread.evaluation.results import Interval

MINUS = "−"
ABSENT = "–"
NO_BREAK = "\u00a0"
_DICE_DECIMALS = 3
_MOST_DECIMALS = 6


def format_number(value: float | None, decimals: int) -> str:
    """Write a number with fixed decimals and thousands separators; "–" where there is none, "∞" where infinite."""
    if value is None or math.isnan(value):
        return ABSENT
    digits = "∞" if math.isinf(value) else f"{abs(value):,.{decimals}f}"
    return MINUS + digits if value < 0 and digits.strip("0.,") else digits


def format_dice(value: float | None) -> str:
    """Write a Dice score or a surface Dice, both in [0, 1]."""
    return format_number(value, _DICE_DECIMALS)


def format_load(value: float | None) -> str:
    """Write a load, or a difference of loads, with about three significant digits."""
    if value is None or not math.isfinite(value) or value == 0:
        return format_number(value, 0)
    magnitude = math.floor(math.log10(abs(value)))
    return format_number(value, min(max(2 - magnitude, 0), _MOST_DECIMALS))


def choose_decimals(*values: float) -> int:
    """Smallest number of decimals, 3 to 6, at which no given value other than 0 is written as 0.

    An interval of 0.0002 to 0.0009 would else be printed as "0.000 to 0.001" and seem to include 0.
    """
    for decimals in range(_DICE_DECIMALS, _MOST_DECIMALS):
        if all(round(abs(value), decimals) > 0 for value in values if value != 0):
            return decimals
    return _MOST_DECIMALS


class WrittenInterval(NamedTuple):
    """An estimate and its bounds as text, with equal decimals: "0.088" and "0.051 to 0.125"."""

    estimate: str
    bounds: str


def write_interval(interval: Interval) -> WrittenInterval:
    """Write an estimate and its bounds; the bounds of a single subject are unknown."""
    known = [value for value in (interval.estimate, interval.low, interval.high) if math.isfinite(value)]
    decimals = choose_decimals(*known)
    low, high = format_number(interval.low, decimals), format_number(interval.high, decimals)
    bounds = f"{low} to {high}" if len(known) == 3 else "interval unknown"
    return WrittenInterval(format_number(interval.estimate, decimals), bounds)


def format_interval(interval: Interval | None) -> str:
    """Write an estimate with its bounds in brackets, "0.088 (0.051 to 0.125)"; "–" where there is none."""
    if interval is None:
        return ABSENT
    written = write_interval(interval)
    return f"{written.estimate} ({written.bounds})"


def format_confidence(confidence: float) -> str:
    """Write the confidence of an interval: "95 %", "99.5 %"."""
    return f"{100 * confidence:g} %"


def format_p(p: float | None) -> str:
    """Write a p-value: "p = 0.017", "p < 0.001", or "p not computed"."""
    if p is None or math.isnan(p):
        return "p not computed"
    if p < 0.001:
        return f"p{NO_BREAK}<{NO_BREAK}0.001"
    return f"p{NO_BREAK}={NO_BREAK}{p:.{3 if p < 0.1 else 2}f}"


def format_percent(share: float) -> str:
    """Write a share in [0, 1] as a whole percentage, "100 %" and "0 %" only where they are exact."""
    percent = round(100 * share)
    if percent == 100 and share < 1:
        return f"over 99{NO_BREAK}%"
    if percent == 0 and share > 0:
        return f"under 1{NO_BREAK}%"
    return f"{percent}{NO_BREAK}%"


def format_count(count: int, noun: str, plural: str = "") -> str:
    """Write a count with its noun: "1 case", "21 cases"."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def format_duration(seconds: float) -> str:
    """Write a duration by its two largest units: "42 s", "3 min 5 s", "2 h 10 min", "1 d 4 h"."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    rest = round(seconds)
    parts: list[tuple[int, str]] = []
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        amount, rest = divmod(rest, size)
        if amount or parts:
            parts.append((amount, unit))
    return " ".join(f"{amount} {unit}" for amount, unit in parts[:2] if amount)


def join_names(names: list[str] | tuple[str, ...], conjunction: str = "and") -> str:
    """Write names as in a sentence: "a", "a and b", "a, b and c"."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} {conjunction} {names[-1]}"


def shorten_digest(digest: str) -> str:
    """First 12 characters of a digest: enough to tell two apart by eye."""
    return digest[:12]
