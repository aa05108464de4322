"""What a run says about the paper's findings, and the rule of each verdict."""

import math
from collections.abc import Iterator, Sequence

from overread.evaluation.results import Interval
from overread.evaluation.significance import compute_paired_p
from overread.labels.variant_record import LabelVariant
from overread.questions.label_noise.results import ALL_NETWORKS, ErrorMode, Finding, Verdict, name_architecture
from overread.questions.label_noise.scores import CaseScores, compute_losses
from overread.questions.label_noise.slopes import BOUNDARY_MODES, average, compute_slopes, pool_slopes

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


MARGIN = 0.02
"""Losses of Dice below this count as hardly any."""

"""Differences of Dice that equal arithmetic in another order can make."""

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
        "Slope for random errors minus the mean slope for boundary errors, per case. Borne out if the interval lies "
        "below 0, contradicted if it lies above 0, otherwise undecided."
    ),
    "random_harmless": (
        f"Loss against the control at the strongest random errors. Borne out if the interval lies within ±{MARGIN} "
        "Dice, contradicted if it lies wholly outside, otherwise undecided."
    ),
    "unet_resists_choppy": (
        "Loss of the U-Net minus loss of another network at the strongest choppy errors, per case. Borne out if the "
        "interval lies below 0 for every other network, contradicted if it lies above 0 for one of them, otherwise "
        "undecided."
    ),
}
"""How each verdict is reached, from bootstrap intervals over subjects that are not corrected for their number.

With a single subject an interval is unknown and the verdict is "undecided"; without the trainings that a finding needs
it is "not tested". The strongest errors of a mode are those of the variant with the lowest achieved label Dice among
those that the networks were trained on.
"""


def judge_sign(intervals: Sequence[Interval], *, wanted: int) -> Verdict:
    """Whether all intervals lie on the wanted side of 0 (1 above, -1 below), or one on the other side."""
    if not intervals:
        return "not tested"
    signs = [int(interval.low > _ROUNDING) - int(interval.high < -_ROUNDING) for interval in intervals]
    if all(sign == wanted for sign in signs):
        return "borne out"
    return "contradicted" if -wanted in signs else "undecided"


def judge_margin(interval: Interval | None, *, margin: float = MARGIN) -> Verdict:
    """Whether an interval lies within ± the margin, or wholly outside."""
    if interval is None:
        return "not tested"
    if -margin <= interval.low + _ROUNDING and interval.high - _ROUNDING <= margin:
        return "borne out"
    return "contradicted" if interval.low > margin or interval.high < -margin else "undecided"


_RESISTANT = "unet"
_ALSO_U_NETS = ("basic_unet",)


def judge_findings(
    scores: CaseScores, networks: Sequence[str], variants: Sequence[LabelVariant], *, seed: int
) -> tuple[Finding, ...]:
    """Judge every finding over all networks and, where there are several, for each of them.

    Args:
        scores: Dice of the held-out cases.
        networks: architectures trained.
        variants: labels learnt.
        seed: of the bootstrap.
    """
    groups = [tuple(networks), *((network,) for network in networks if len(networks) > 1)]
    found: list[Finding] = []
    for judge in (_judge_boundary, _judge_difference, _judge_random):
        found += [judge(scores, group, variants, seed) for group in groups]
    return (*found, *_judge_resistance(scores, networks, variants, seed))


def find_strongest(
    scores: CaseScores, networks: Sequence[str], mode: str, variants: Sequence[LabelVariant]
) -> LabelVariant | None:
    """The variant of a mode with the lowest label Dice for which each of the networks has a loss; None without one."""
    tried = [
        variant
        for variant in variants
        if variant.mode == mode and all(not compute_losses(scores, network, variant.name).empty for network in networks)
    ]
    return min(tried, key=lambda variant: (variant.achieved_dice, variant.name), default=None)


def _build(key: str, group: Sequence[str], verdict: Verdict, evidence: str) -> Finding:
    network = group[0] if len(group) == 1 else ALL_NETWORKS
    return Finding(key=key, network=network, claim=CLAIMS[key], verdict=verdict, evidence=evidence)


def _judge_boundary(scores: CaseScores, group: Sequence[str], variants: Sequence[LabelVariant], seed: int) -> Finding:
    slopes = {mode: scores.bootstrap(pool_slopes(scores, group, mode, variants), seed=seed) for mode in BOUNDARY_MODES}
    known = {mode: slope for mode, slope in slopes.items() if slope is not None}
    evidence = "No network was trained on boundary errors and on the control."
    if known:
        parts = (f"{mode} {write_estimate(slope)}" for mode, slope in known.items())
        evidence = f"Test Dice per unit of label Dice: {', '.join(parts)}."
        evidence += "".join(f" There are no {mode} errors to judge." for mode in BOUNDARY_MODES if mode not in known)
    return _build("boundary_hurts", group, judge_sign(list(known.values()), wanted=1), evidence)


def _judge_difference(scores: CaseScores, group: Sequence[str], variants: Sequence[LabelVariant], seed: int) -> Finding:
    kinds: tuple[ErrorMode, ErrorMode] = ("random", "boundary")
    by_network = [[compute_slopes(scores, network, kind, variants) for kind in kinds] for network in group]
    complete = [slopes for slopes in by_network if not any(column.empty for column in slopes)]
    random, boundary = (average([slopes[place] for slopes in complete]) for place in (0, 1))
    difference = (random - boundary).dropna()
    interval = scores.bootstrap(difference, seed=seed)
    if interval is None:
        evidence = "No network was trained on the control, on random and on boundary errors."
        return _build("random_hurts_less", group, "not tested", evidence)
    p_value = compute_paired_p(random.loc[difference.index].tolist(), boundary.loc[difference.index].tolist())
    evidence = f"Slope for random minus slope for boundary errors: {write_estimate(interval)}, {write_p(p_value)}."
    return _build("random_hurts_less", group, judge_sign([interval], wanted=-1), evidence)


def _judge_random(scores: CaseScores, group: Sequence[str], variants: Sequence[LabelVariant], seed: int) -> Finding:
    trained = [network for network in group if find_strongest(scores, (network,), "random", variants)]
    strongest = find_strongest(scores, trained, "random", variants) if trained else None
    if strongest is None:
        evidence = "No network was trained on random errors and on the control."
        return _build("random_harmless", group, "not tested", evidence)
    losses = average([compute_losses(scores, network, strongest.name) for network in trained])
    interval = scores.bootstrap(losses, seed=seed)
    written = write_estimate(interval) if interval else "not known, for no case is common to the networks"
    evidence = f"Loss against the control with {strongest.name}: {written}; the margin is ±{MARGIN}."
    return _build("random_harmless", group, judge_margin(interval), evidence)


def _judge_resistance(
    scores: CaseScores, networks: Sequence[str], variants: Sequence[LabelVariant], seed: int
) -> tuple[Finding, ...]:
    compared = list(_compare_resistance(scores, networks, variants, seed))
    if not compared:
        evidence = "It takes a U-Net (unet) and another architecture, both trained on choppy errors and on the control."
        return (_build("unet_resists_choppy", (), "not tested", evidence),)
    single = tuple(
        _build("unet_resists_choppy", (other,), judge_sign([interval], wanted=-1), evidence)
        for other, interval, evidence in compared
    )
    if len(single) == 1:
        return single
    verdict = judge_sign([interval for _, interval, _ in compared], wanted=-1)
    together = _build("unet_resists_choppy", (), verdict, " ".join(evidence for _, _, evidence in compared))
    return (together, *single)


def _compare_resistance(
    scores: CaseScores, networks: Sequence[str], variants: Sequence[LabelVariant], seed: int
) -> Iterator[tuple[str, Interval, str]]:
    """Each other network with the U-Net's loss minus its own, and that as a sentence."""
    others = [network for network in networks if network not in (_RESISTANT, *_ALSO_U_NETS)]
    for other in others if _RESISTANT in networks else ():
        strongest = find_strongest(scores, (_RESISTANT, other), "choppy", variants)
        if strongest is None:
            continue
        own, foreign = (compute_losses(scores, network, strongest.name) for network in (_RESISTANT, other))
        difference = (own - foreign).dropna()
        interval = scores.bootstrap(difference, seed=seed)
        if interval is None:
            continue
        p_value = compute_paired_p(own.loc[difference.index].tolist(), foreign.loc[difference.index].tolist())
        yield (
            other,
            interval,
            f"Loss with {strongest.name}, U-Net minus {name_architecture(other)}: {write_estimate(interval)}, "
            f"{write_p(p_value)}.",
        )
