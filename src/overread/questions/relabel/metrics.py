"""The few figures by which runs of `relabel` are compared."""

import math

from overread.evaluation.results import Interval
from overread.questions.relabel.outcomes import choose_repair, find_gain
from overread.questions.relabel.results import Correction, RelabelEvaluation

_CORRECTIONS: tuple[Correction, ...] = ("none", "reweight", "relabel")


def collect_metrics(evaluation: RelabelEvaluation) -> dict[str, float]:
    """Figures of the first noise and the main method; those that are not known are left out.

    Names: label_gain and network_gain with _low and _high, label_dice_before and _after, changed_share, and clean_dice
    and noisy_dice by correction (_none, _reweight, _relabel; clean_dice_clean where clean labels were learnt).
    """
    noise = evaluation.noises[0].name
    repair = choose_repair(evaluation, noise)
    known: dict[str, Interval | float | None] = {"network_gain": find_gain(evaluation, noise)}
    if repair is not None:
        known |= {"label_gain": repair.gain, "changed_share": repair.changed_share}
        known |= {"label_dice_before": _take(repair.before), "label_dice_after": _take(repair.after)}
    for correction in _CORRECTIONS:
        method = evaluation.methods[0] if correction == "relabel" else ""
        if cell := evaluation.find_cell(noise, correction, method):
            known |= {f"clean_dice_{correction}": _take(cell.clean), f"noisy_dice_{correction}": _take(cell.noisy)}
    if reference := evaluation.find_cell("", "clean"):
        known["clean_dice_clean"] = _take(reference.clean)
    return {name: number for name, value in known.items() for name, number in _spell_out(name, value).items()}


def _take(interval: Interval | None) -> float | None:
    return None if interval is None else interval.estimate


def _spell_out(name: str, value: Interval | float | None) -> dict[str, float]:
    if isinstance(value, Interval):
        numbers = {name: value.estimate, f"{name}_low": value.low, f"{name}_high": value.high}
        return {key: number for key, number in numbers.items() if math.isfinite(number)}
    return {} if value is None else {name: value}
