"""What the gate asked of a challenger, figure by figure, as text."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from overread.evaluation.results import Interval
from overread.questions.retrain.gate.settings import FEWEST_SUBJECTS, GateSettings, GateVerdict
from overread.questions.retrain.records import NetworkJudgement
from overread.report.formatting import ABSENT, MINUS, NO_BREAK, WrittenInterval, format_dice, format_number

Finding: TypeAlias = Literal["kept", "unsure", "not kept", "not asked"]
"""Whether a figure keeps to its bound: with its whole interval, with its estimate alone, not, or nobody asked."""

_FINDINGS: Mapping[GateVerdict, Finding] = {"promote": "kept", "hold": "unsure", "refuse": "not kept"}

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
        anchor: the same of the best champion so far.
        judged: what must keep to the bound.
        bound: the bound.
        finding: whether it does.
    """

    title: str
    note: str
    challenger: WrittenInterval
    anchor: WrittenInterval
    judged: WrittenInterval
    bound: str
    finding: Finding


def judge_difference(difference: Interval, settings: GateSettings) -> Finding:
    """Whether a difference of Dice keeps to the margin; never so without a known interval."""
    return _FINDINGS[settings.judge_difference(difference)]


def judge_load_bias(bias: Interval, settings: GateSettings) -> Finding:
    """Whether a load bias keeps to the limit; never so without a known interval."""
    return _FINDINGS[settings.judge_load_bias(bias)]


def list_gate_checks(judged: NetworkJudgement) -> tuple[GateCheck, ...]:
    """What was asked of a challenger: something learnt, enough subjects, no loss of Dice, no bias of loads."""
    return _check_skill(judged), _check_subjects(judged), _check_dice(judged), _check_load(judged)


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


def _check_skill(judged: NetworkJudgement) -> GateCheck:
    skill = judged.figures.skill
    finding: Finding = "not asked" if skill is None else "kept" if skill.has_learnt else "not kept"
    return GateCheck(
        title="Skill",
        note="0 for a mask that ignores the image, 1 for the reference's own",
        challenger=_NOTHING if skill is None else WrittenInterval(format_number(skill.value, 2), ""),
        anchor=_NOTHING,
        judged=_NOTHING if skill is None else WrittenInterval(format_number(skill.value, 2), ""),
        bound="" if skill is None else f"{skill.limit:g} or above",
        finding=finding,
    )


def _check_subjects(judged: NetworkJudgement) -> GateCheck:
    return GateCheck(
        title="Held-out subjects that count",
        note="",
        challenger=_NOTHING,
        anchor=_NOTHING,
        judged=WrittenInterval(f"{judged.figures.subject_count:,}", ""),
        bound=f"at least {FEWEST_SUBJECTS}",
        finding="unsure" if judged.figures.has_few_subjects else "kept",
    )


def _check_dice(judged: NetworkJudgement) -> GateCheck:
    figures, settings = judged.figures, judged.settings
    difference = figures.dice_difference
    is_asked = difference is not None and not figures.has_few_subjects
    return GateCheck(
        title=f"Dice with {judged.network.reference}",
        note="judged: challenger minus best champion so far",
        challenger=_write_dice(figures.challenger_dice),
        anchor=_write_dice(figures.anchor_dice),
        judged=_NOTHING if difference is None else write_difference(difference, settings),
        bound=f"{MINUS if settings.dice_margin else ''}{settings.dice_margin:g} or above",
        finding=judge_difference(difference, settings) if difference and is_asked else "not asked",
    )


def _check_load(judged: NetworkJudgement) -> GateCheck:
    bias, settings = judged.figures.load_bias, judged.settings
    is_asked = not judged.figures.has_few_subjects
    is_unknown = is_asked and bias is None
    without_bias: Finding = "unsure" if is_unknown else "not asked"
    return GateCheck(
        title=f"Load bias against {judged.network.reference}",
        note="judged: that of the challenger",
        challenger=_write_load_bias(bias, settings),
        anchor=_write_load_bias(judged.figures.anchor_load_bias, settings),
        judged=WrittenInterval("unknown", "") if is_unknown else _write_load_bias(bias, settings),
        bound=f"{MINUS}{write_limit(settings)} to {write_limit(settings)}",
        finding=judge_load_bias(bias, settings) if bias and is_asked else without_bias,
    )


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
