"""What a run says about the paper's findings, and the rule of each verdict."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from overread.evaluation.results import Estimate, Interval
from overread.evaluation.significance import adjust_holm
from overread.evaluation.verdict import judge
from overread.labels.variant_record import LabelVariant
from overread.questions.label_noise.contrasts import Contrast, TrainingScores, average, subtract
from overread.questions.label_noise.results import ALL_NETWORKS, Finding, FindingVerdict, name_architecture
from overread.questions.label_noise.scores import contrast_loss
from overread.questions.label_noise.slopes import BOUNDARY_MODES, contrast_slope, pool_slopes

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
        return f"{_write(interval.estimate, decimals)} (no valid interval)"
    low, high = _write(interval.low, decimals), _write(interval.high, decimals)
    return f"{_write(interval.estimate, decimals)} ({100 * interval.confidence:g}{_NO_BREAK}% interval {low} to {high})"


def write_p(p_values: Sequence[float | None]) -> str:
    """Write p-values: "p = 0.017.", or of several "p after Holm's correction: < 0.001, 0.017."; empty for none."""
    if not p_values or None in p_values:
        return ""
    written = ["<\u00a00.001" if p < 0.001 else f"{p:.3f}" for p in p_values if p is not None]
    if len(written) > 1:
        return f" p after Holm's correction: {', '.join(written)}."
    return f" p{_NO_BREAK}{written[0]}." if written[0].startswith("<") else f" p{_NO_BREAK}={_NO_BREAK}{written[0]}."


def _write(value: float, decimals: int) -> str:
    digits = f"{abs(value):.{decimals}f}"
    return f"−{digits}" if value < 0 and digits.strip("0.") else digits


CLAIMS = {
    "boundary_hurts": "Boundary errors (natural, choppy) lower test Dice steadily.",
    "random_hurts_less": "Random errors hurt less than boundary errors of the same label Dice.",
    "random_harmless": "Even the strongest random errors hardly change test Dice.",
    "unet_resists_choppy": "The U-Net resists large choppy errors best.",
}
RULES = {
    "boundary_hurts": (
        "Slope of test Dice over label Dice. Borne out if the interval lies above 0 for every boundary mode tried, "
        "contradicted if it lies below 0 for one of them, otherwise undecided."
    ),
    "random_hurts_less": (
        "Slope for random errors minus the mean slope for boundary errors. Borne out if the interval lies below 0, "
        "contradicted if it lies above 0, otherwise undecided."
    ),
    "random_harmless": (
        "Loss against the control at the strongest random errors. Borne out if the interval lies within ±{matters} "
        "Dice, contradicted if it lies wholly outside, otherwise undecided."
    ),
    "unet_resists_choppy": (
        "Loss of the U-Net minus loss of another network at the strongest choppy errors. Borne out if the interval "
        "lies below 0 for every other network, contradicted if it lies above 0 for one of them, otherwise undecided."
    ),
}
"""How each verdict is reached, from intervals that allow for the luck of training; `{matters}` is to be filled in.

An interval of the first, second and fourth rule that lies within ± the smallest difference that matters decides
nothing, whatever side of 0 it is on: slopes are set against it as what a step of label Dice costs. Where a rule looks
at several modes or networks, p is corrected for their number (Holm) and must not exceed 0.05 either. Without a valid
interval the verdict is "undecided"; without the trainings that a finding needs it is "not tested". The strongest errors
of a mode are those of the variant with the lowest achieved label Dice among those that the networks were trained on.
"""


def judge_claim(effects: Sequence[Estimate], corrected: Sequence[float | None], *, matters: float) -> FindingVerdict:
    """Whether all effects are above 0, or one is below.

    Args:
        effects: in Dice, above 0 where the claim holds.
        corrected: p of each, corrected for their number.
        matters: smallest difference of Dice that matters.
    """
    if not effects:
        return "not tested"
    verdicts = {judge(one, matters=matters, corrected_p=p) for one, p in zip(effects, corrected, strict=True)}
    if verdicts == {"yes"}:
        return "borne out"
    return "contradicted" if "the wrong way round" in verdicts else "undecided"


def judge_harmless(effects: Sequence[Estimate], corrected: Sequence[float | None], *, matters: float) -> FindingVerdict:
    """Whether a loss lies within ± what matters, or wholly outside. See `judge_claim`; there is one effect or none."""
    if not effects:
        return "not tested"
    verdict = judge(effects[0], matters=matters, corrected_p=corrected[0])
    if verdict == "no difference that matters":
        return "borne out"
    is_outside = effects[0].low > matters or effects[0].high < -matters
    return "contradicted" if is_outside and verdict in ("yes", "the wrong way round") else "undecided"


class _Judge(Protocol):
    def __call__(
        self, effects: Sequence[Estimate], corrected: Sequence[float | None], *, matters: float
    ) -> FindingVerdict: ...


@dataclass(frozen=True)
class _Evidence:
    """What a finding rests on: the network it is about, its effects in Dice, and a sentence with the numbers."""

    network: str
    effects: tuple[Estimate, ...]
    sentence: str


_RESISTANT = "unet"
_ALSO_U_NETS = ("basic_unet",)


def judge_findings(
    trainings: TrainingScores, networks: Sequence[str], variants: Sequence[LabelVariant], *, step: float, matters: float
) -> tuple[Finding, ...]:
    """Judge every finding over all networks and, where there are several, for each of them.

    Args:
        trainings: Dice of the held-out cases.
        networks: architectures trained.
        variants: labels learnt.
        step: loss of label Dice by which slopes are turned into Dice.
        matters: smallest difference of Dice that matters.
    """
    groups = [tuple(networks), *((network,) for network in networks if len(networks) > 1)]
    boundary = [_weigh_boundary(trainings, group, variants, step) for group in groups]
    difference = [_weigh_difference(trainings, group, variants, step) for group in groups]
    random = [_weigh_random(trainings, group, variants, matters) for group in groups]
    return (
        *_judge("boundary_hurts", boundary, judge_claim, matters),
        *_judge("random_hurts_less", difference, judge_claim, matters),
        *_judge("random_harmless", random, judge_harmless, matters),
        *_judge("unet_resists_choppy", _weigh_resistance(trainings, networks, variants), judge_claim, matters),
    )


def find_strongest(
    trainings: TrainingScores, networks: Sequence[str], mode: str, variants: Sequence[LabelVariant]
) -> LabelVariant | None:
    """The variant of a mode with the lowest label Dice for which each of the networks has a loss; None without one."""
    tried = [
        variant
        for variant in variants
        if variant.mode == mode and all(trainings.has(contrast_loss(network, variant.name)) for network in networks)
    ]
    return min(tried, key=lambda variant: (variant.achieved_dice, variant.name), default=None)


def _judge(key: str, found: Sequence[_Evidence], rule: _Judge, matters: float) -> Iterator[Finding]:
    """Judge the first for itself and the others, which are about single networks, as one family."""
    for family in (found[:1], found[1:]):
        corrected = iter(adjust_holm([effect.p_value for one in family for effect in one.effects]))
        for one in family:
            p_values = [next(corrected) for _ in one.effects]
            verdict = rule(one.effects, p_values, matters=matters)
            note = write_p(p_values) + _note_size(one.effects, matters) if rule is judge_claim else ""
            yield Finding(
                key=key, network=one.network, claim=CLAIMS[key], verdict=verdict, evidence=one.sentence + note
            )


def _note_size(effects: Sequence[Estimate], matters: float) -> str:
    small = [judge(effect, matters=matters) == "no difference that matters" for effect in effects]
    return f" No difference that matters, which begins at {matters:g} Dice." if small and all(small) else ""


def _name(group: Sequence[str]) -> str:
    return group[0] if len(group) == 1 else ALL_NETWORKS


def _weigh_boundary(
    trainings: TrainingScores, group: Sequence[str], variants: Sequence[LabelVariant], step: float
) -> _Evidence:
    slopes = {mode: trainings.estimate(pool_slopes(trainings, group, mode, variants)) for mode in BOUNDARY_MODES}
    known = {mode: slope for mode, slope in slopes.items() if slope is not None}
    sentence = "No network was trained on boundary errors and on the control."
    if known:
        parts = (f"{mode} {write_estimate(slope)}" for mode, slope in known.items())
        sentence = f"Test Dice per unit of label Dice: {', '.join(parts)}."
        sentence += "".join(f" There are no {mode} errors to judge." for mode in BOUNDARY_MODES if mode not in known)
    return _Evidence(_name(group), tuple(slope.scale(step) for slope in known.values()), sentence)


def _weigh_difference(
    trainings: TrainingScores, group: Sequence[str], variants: Sequence[LabelVariant], step: float
) -> _Evidence:
    contrasts = [
        subtract(*(contrast_slope(trainings, network, kind, variants) for kind in ("random", "boundary")))
        for network in group
    ]
    difference = trainings.estimate(average(contrasts))
    if difference is None:
        sentence = "No network was trained on the control, on random and on boundary errors."
        return _Evidence(_name(group), (), sentence)
    sentence = f"Slope for random minus slope for boundary errors: {write_estimate(difference)}."
    return _Evidence(_name(group), (difference.scale(-step),), sentence)


def _weigh_random(
    trainings: TrainingScores, group: Sequence[str], variants: Sequence[LabelVariant], matters: float
) -> _Evidence:
    trained = [network for network in group if find_strongest(trainings, (network,), "random", variants)]
    strongest = find_strongest(trainings, trained, "random", variants) if trained else None
    if strongest is None:
        return _Evidence(_name(group), (), "No network was trained on random errors and on the control.")
    losses: Contrast = average([contrast_loss(network, strongest.name) for network in trained])
    loss = trainings.estimate(losses)
    written = "not known, for no case is common to the networks" if loss is None else write_estimate(loss)
    sentence = f"Loss against the control with {strongest.name}: {written}; what matters begins at ±{matters:g}."
    return _Evidence(_name(group), () if loss is None else (loss,), sentence)


def _weigh_resistance(
    trainings: TrainingScores, networks: Sequence[str], variants: Sequence[LabelVariant]
) -> list[_Evidence]:
    """The U-Net against all other networks together and, where there are several, against each."""
    single = list(_compare_resistance(trainings, networks, variants))
    if not single:
        sentence = "It takes a U-Net (unet) and another architecture, both trained on choppy errors and on the control."
        return [_Evidence(ALL_NETWORKS, (), sentence)]
    if len(single) == 1:
        return single
    effects = tuple(effect for one in single for effect in one.effects)
    return [_Evidence(ALL_NETWORKS, effects, " ".join(one.sentence for one in single)), *single]


def _compare_resistance(
    trainings: TrainingScores, networks: Sequence[str], variants: Sequence[LabelVariant]
) -> Iterator[_Evidence]:
    """Each other network with what it loses more than the U-Net."""
    others = [network for network in networks if network not in (_RESISTANT, *_ALSO_U_NETS)]
    for other in others if _RESISTANT in networks else ():
        strongest = find_strongest(trainings, (_RESISTANT, other), "choppy", variants)
        if strongest is None:
            continue
        own, foreign = (contrast_loss(network, strongest.name) for network in (_RESISTANT, other))
        difference = trainings.estimate(subtract(own, foreign))
        if difference is not None:
            sentence = (
                f"Loss with {strongest.name}, U-Net minus {name_architecture(other)}: {write_estimate(difference)}."
            )
            yield _Evidence(other, (difference.scale(-1),), sentence)
