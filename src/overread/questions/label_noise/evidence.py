"""Numbers as text in the evidence of a finding."""

import math

from overread.evaluation.results import Interval

_FEWEST_DECIMALS, _MOST_DECIMALS = 3, 6
_ROUNDING = 1e-12
_NO_BREAK = "\u00a0"


def write_estimate(interval: Interval) -> str:
    """Write an estimate with its interval: "0.620 (95 % interval 0.410 to 0.830)", with a space that does not break.

    As many decimals, 3 to 6, as it takes that no number other than 0 is written as 0: the verdict hangs on the sign.
    """
    numbers = [value for value in (interval.estimate, interval.low, interval.high) if math.isfinite(value)]
    decimals = _FEWEST_DECIMALS
    while decimals < _MOST_DECIMALS and any(
        abs(value) > _ROUNDING and round(value, decimals) == 0 for value in numbers
    ):
        decimals += 1
    if len(numbers) < 3:
        return f"{_write(interval.estimate, decimals)} (interval unknown)"
    low, high = _write(interval.low, decimals), _write(interval.high, decimals)
    return f"{_write(interval.estimate, decimals)} ({100 * interval.confidence:g}{_NO_BREAK}% interval {low} to {high})"


def write_p(p: float | None) -> str:
    """Write the p-value of a paired test: "paired p = 0.017", "paired p < 0.001", "no paired test"."""
    if p is None:
        return "no paired test"
    written = f"<{_NO_BREAK}0.001" if p < 0.001 else f"={_NO_BREAK}{p:.3f}"
    return f"paired p{_NO_BREAK}{written}"


def _write(value: float, decimals: int) -> str:
    digits = f"{abs(value):.{decimals}f}"
    return f"−{digits}" if value < 0 and digits.strip("0.") else digits
