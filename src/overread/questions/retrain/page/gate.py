"""What the gate asked of a challenger, figure by figure, as text."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from overread.evaluation.results import Interval
from overread.questions.retrain.gate import GateSettings
from overread.questions.retrain.records import NetworkJudgement
from overread.report.formatting import ABSENT, MINUS, NO_BREAK, WrittenInterval, format_dice, format_number

Finding: TypeAlias = Literal["kept", "unsure", "not kept", "not asked"]
"""Whether a figure keeps to its bound: with its whole interval, with its estimate alone, not, or nobody asked."""

_DICE_DECIMALS, _PERCENT_DECIMALS = 3, 1
_FURTHER_DECIMALS = 4
_NOTHING = WrittenInterval(ABSENT, "")


@dataclass(frozen=True)
class GateCheck:
    """One figure of the gate with its bound.

    Attributes:
        title: what is looked at.
        note: which of its values must keep to the bound.
        challenger: figure of the challenger; without bounds where it has none, as the next two.
        champion: the same of the champion.
        judged: what must keep to the bound.
        bound: the bound.
        finding: whether it does.
    """

    title: str
    note: str
    challenger: WrittenInterval
    champion: WrittenInterval
    judged: WrittenInterval
    bound: str
    finding: Finding


def judge_difference(difference: Interval, settings: GateSettings) -> Finding:
    """Whether a difference of Dice keeps to the margin; surely so only with a known interval."""
    return _find(*map(settings.allows_difference, (difference.estimate, difference.low)))


def judge_load_bias(bias: Interval, settings: GateSettings) -> Finding:
    """Whether a load bias keeps to the limit; surely so only with a known interval."""
    return _find(*map(settings.allows_load_bias, (bias.estimate, bias.low, bias.high)))


def list_gate_checks(judged: NetworkJudgement) -> tuple[GateCheck, ...]:
    """What was asked of a challenger: enough cases, then no loss of Dice, then no bias of loads."""
    return _check_cases(judged), _check_dice(judged), _check_load(judged)


def write_difference(difference: Interval, settings: GateSettings) -> WrittenInterval:
    """A difference of Dice with its interval, so exact that it shows on which side of the margin it lies."""
    decimals = _choose_decimals(difference, (-settings.dice_margin,), least=_DICE_DECIMALS)
    return _write(difference, lambda value: format_number(value, decimals))


def write_bias(bias: Interval, settings: GateSettings) -> WrittenInterval:
    """A load bias in percent with its interval, so exact that it shows on which side of the limits it lies."""
    percent, limit = express_in_percent(bias), 100 * settings.load_bias_limit
    decimals = _choose_decimals(percent, (-limit, limit), least=_PERCENT_DECIMALS)
    return _write(percent, lambda value: f"{format_number(value, decimals)}{NO_BREAK}%")


def write_limit(settings: GateSettings) -> str:
    """The limit of the load bias in percent."""
    return f"{100 * settings.load_bias_limit:g}{NO_BREAK}%"


def write_with_bounds(written: WrittenInterval) -> str:
    """An estimate with its bounds in brackets."""
    return f"{written.estimate} ({written.bounds})"


def express_in_percent(share: Interval) -> Interval:
    """A share in percent."""
    return share.model_copy(update={name: 100 * getattr(share, name) for name in ("estimate", "low", "high")})


def is_known(interval: Interval) -> bool:
    """Whether the interval has bounds; that of a single subject has none."""
    return math.isfinite(interval.low) and math.isfinite(interval.high)


def _check_cases(judged: NetworkJudgement) -> GateCheck:
    count, least = judged.figures.case_count, judged.settings.min_cases
    return GateCheck(
        title="Held-out cases that count",
        note="",
        challenger=_NOTHING,
        champion=_NOTHING,
        judged=WrittenInterval(f"{count:,}", ""),
        bound=f"at least {least:,}",
        finding="kept" if count >= least else "not kept",
    )


def _check_dice(judged: NetworkJudgement) -> GateCheck:
    figures, settings = judged.figures, judged.settings
    difference = figures.dice_difference
    return GateCheck(
        title=f"Dice with {judged.network.reference}",
        note="judged: challenger minus champion",
        challenger=_write_dice(figures.challenger_dice),
        champion=_write_dice(figures.champion_dice),
        judged=_NOTHING if difference is None else write_difference(difference, settings),
        bound=f"{MINUS if settings.dice_margin else ''}{settings.dice_margin:g} or above",
        finding="not asked" if difference is None else judge_difference(difference, settings),
    )


def _check_load(judged: NetworkJudgement) -> GateCheck:
    bias, settings = judged.figures.load_bias, judged.settings
    is_asked = judged.figures.case_count >= settings.min_cases
    is_unknown = is_asked and bias is None
    without_bias: Finding = "not kept" if is_unknown else "not asked"
    return GateCheck(
        title=f"Load bias against {judged.network.reference}",
        note="judged: that of the challenger",
        challenger=_write_load_bias(bias, settings),
        champion=_write_load_bias(judged.figures.champion_load_bias, settings),
        judged=WrittenInterval("unknown", "") if is_unknown else _write_load_bias(bias, settings),
        bound=f"{MINUS}{write_limit(settings)} to {write_limit(settings)}",
        finding=without_bias if bias is None else judge_load_bias(bias, settings),
    )


def _find(is_kept: bool, *bounds_are_kept: bool) -> Finding:
    if not is_kept:
        return "not kept"
    return "kept" if all(bounds_are_kept) else "unsure"


def _write_dice(interval: Interval | None) -> WrittenInterval:
    return _NOTHING if interval is None else _write(interval, format_dice)


def _write_load_bias(bias: Interval | None, settings: GateSettings) -> WrittenInterval:
    return _NOTHING if bias is None else write_bias(bias, settings)


def _write(interval: Interval, write: Callable[[float], str]) -> WrittenInterval:
    bounds = f"{write(interval.low)} to {write(interval.high)}" if is_known(interval) else "interval unknown"
    return WrittenInterval(write(interval.estimate), bounds)


def _choose_decimals(interval: Interval, limits: Sequence[float], *, least: int) -> int:
    """Least decimals at which rounding moves no value onto a limit or across it."""
    values = [value for value in (interval.estimate, interval.low, interval.high) if math.isfinite(value)]
    pairs = [(value, limit) for value in values for limit in limits if not math.isclose(value, limit)]
    for decimals in range(least, least + _FURTHER_DECIMALS):
        if all(_compare(round(value, decimals), limit) == _compare(value, limit) for value, limit in pairs):
            return decimals
    return least + _FURTHER_DECIMALS


def _compare(value: float, limit: float) -> int:
    return (value > limit) - (value < limit)
