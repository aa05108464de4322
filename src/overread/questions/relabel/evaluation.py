"""What relabelling does to networks and labels: scores, cells, costs, outcomes and repairs."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from overread.errors import InputError
from overread.evaluation.results import Estimate, Interval
from overread.evaluation.skill import Skill
from overread.evaluation.verdict import DICE_THAT_MATTERS
from overread.labels.relabel_rules.names import RuleName
from overread.questions.relabel.gains import summarise_cells
from overread.questions.relabel.results import (
    Correction,
    LabelRepair,
    MethodCost,
    MissingCorrection,
    NoisyLabels,
    Outcome,
    PlainTraining,
    RelabelEvaluation,
    RelabelledSource,
    WatchedTraining,
)
from overread.questions.relabel.scores import (
    Training,
    bootstrap_subjects,
    check_labels,
    index_dice,
    list_subjects,
    order_trainings,
)
from overread.study.study import Study

_CORRECTIONS: tuple[Correction, ...] = ("none", "reweight", "relabel")


def collect_metrics(evaluation: RelabelEvaluation) -> dict[str, float]:
    """Figures of the first noise and the main method; those that are not known are left out.

    Names: network_gain and noisy_gain with _low, _high, _p and _smallest_detectable, skill of the networks without
    correction, label_gain, label_dice_before and _after, changed_share, and clean_dice and noisy_dice by correction
    (_none, _reweight, _relabel; clean_dice_clean where clean labels were learnt).
    """
    noise = evaluation.noises[0].name
    repair, skill = choose_repair(evaluation, noise), evaluation.skills.get(noise)
    main = evaluation.find_cell(noise, "relabel", evaluation.methods[0])
    known: dict[str, Estimate | float | None] = {"skill": skill.value if skill else None}
    if main is not None:
        known |= {"network_gain": main.gain, "noisy_gain": main.noisy_gain}
    if repair is not None:
        known |= {"label_gain": _take(repair.gain), "changed_share": repair.changed_share}
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


def _spell_out(name: str, value: Estimate | float | None) -> dict[str, float]:
    numbers: dict[str, float | None] = (
        {name: value}
        if not isinstance(value, Estimate)
        else {
            name: value.estimate,
            f"{name}_low": value.low,
            f"{name}_high": value.high,
            f"{name}_p": value.p_value,
            f"{name}_smallest_detectable": value.smallest_detectable,
        }
    )
    return {key: number for key, number in numbers.items() if number is not None and math.isfinite(number)}


def measure_costs(
    methods: Sequence[str], watched: Sequence[WatchedTraining], plain: Sequence[PlainTraining]
) -> tuple[MethodCost, ...]:
    """Compare trainings with relabelling with those without correction on the same labels, fold and repeat.

    Args:
        methods: how uncertainty was estimated.
        watched: trainings with relabelling.
        plain: all other trainings.
    """
    seconds_without = {
        (training.noise, training.fold, training.repeat): training.training_seconds
        for training in plain
        if training.correction == "none" and training.training_seconds > 0
    }
    return tuple(
        _measure(method, [training for training in watched if training.method == method], seconds_without)
        for method in methods
    )


def _measure(
    method: str, watched: Sequence[WatchedTraining], seconds_without: dict[tuple[str, int, int], float]
) -> MethodCost:
    estimates = sum(training.estimate_count for training in watched)
    pairs = [
        (training, seconds_without[place])
        for training in watched
        if (place := (training.noise, training.fold, training.repeat)) in seconds_without
    ]
    training_ratios = [training.training_seconds / without for training, without in pairs]
    total_ratios = [(one.training_seconds + one.uncertainty_seconds) / without for one, without in pairs]
    return MethodCost(
        method=method,
        seconds_per_estimate=sum(one.uncertainty_seconds for one in watched) / estimates if estimates else None,
        training_ratio=_average(training_ratios),
        total_ratio=_average(total_ratios),
    )


def _average(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


_ROUNDING = 1e-12
"""Differences of Dice that equal arithmetic in another order can make."""


def find_outcome(evaluation: RelabelEvaluation, noise: str) -> Outcome:
    """What relabelling with the main method did to the network; unknown where it was not tried."""
    cell = evaluation.find_cell(noise, "relabel", evaluation.methods[0])
    return "unknown" if cell is None or cell.outcome is None else cell.outcome


def tell_verdict(evaluation: RelabelEvaluation) -> str:
    """The outcome of the network in a few words, by noise where the outcomes differ."""
    outcomes = {noise.name: find_outcome(evaluation, noise.name) for noise in evaluation.noises}
    if len(set(outcomes.values())) == 1:
        return next(iter(outcomes.values()))
    return "; ".join(f"{noise}: {outcome}" for noise, outcome in outcomes.items())


def choose_repair(evaluation: RelabelEvaluation, noise: str, method: str = "") -> LabelRepair | None:
    """What relabelling did to labels, in one entry: that of the new source, or of the training masks without one.

    Args:
        evaluation: the numbers.
        noise: which labels were repaired.
        method: how uncertainty was estimated; the main one if empty.
    """
    chosen = method or evaluation.methods[0]
    new_source = evaluation.find_repair(noise, chosen, "source")
    return new_source or evaluation.find_repair(noise, chosen, "training")


def find_gain(evaluation: RelabelEvaluation, noise: str, method: str = "") -> Estimate | None:
    """What the network gained by relabelling in Dice with clean masks; None where that is not known.

    Args:
        evaluation: the numbers.
        noise: which labels were repaired.
        method: how uncertainty was estimated; the main one if empty.
    """
    cell = evaluation.find_cell(noise, "relabel", method or evaluation.methods[0])
    return None if cell is None else cell.gain


_KINDS: tuple[Literal["training", "source"], ...] = ("training", "source")


def select_masks(labels: pd.DataFrame, noise: str, method: str, kind: Literal["training", "source"]) -> pd.DataFrame:
    """The rows of one kind of labels."""
    return labels[(labels["noise"] == noise) & (labels["method"] == method) & (labels["labels"] == kind)]


def choose_masks(labels: pd.DataFrame, noise: str, method: str) -> pd.DataFrame:
    """The rows of the new source, or of the training masks without one."""
    new_source = select_masks(labels, noise, method, "source")
    return select_masks(labels, noise, method, "training") if new_source.empty else new_source


def average_masks(masks: pd.DataFrame) -> pd.DataFrame:
    """Mean Dice before and after of each case with a clean mask, over the trainings that relabelled it.

    Args:
        masks: rows of LABEL_COLUMNS for one noise, method and kind of labels.

    Returns:
        One row per case, indexed by case and sorted, with before_dice and after_dice.
    """
    return masks.groupby("case_id")[["before_dice", "after_dice"]].mean().dropna().sort_index()


def summarise_repairs(
    labels: pd.DataFrame, noises: tuple[str, ...], methods: tuple[str, ...], *, seed: int
) -> tuple[LabelRepair, ...]:
    """Summarise the relabelled masks per noise and method, training masks before the new source.

    Args:
        labels: LABEL_COLUMNS, checked.
        noises: which labels were repaired.
        methods: how uncertainty was estimated.
        seed: of the bootstrap.
    """
    found = []
    for noise in noises:
        for method in methods:
            for kind in _KINDS:
                masks = select_masks(labels, noise, method, kind)
                if not masks.empty:
                    found.append(_summarise_repair(masks, (noise, method, kind), seed))
    return tuple(found)


def _summarise_repair(
    masks: pd.DataFrame, key: tuple[str, str, Literal["training", "source"]], seed: int
) -> LabelRepair:
    noise, method, kind = key
    subject_of, dice = list_subjects(masks), average_masks(masks)
    gains = dice["after_dice"] - dice["before_dice"]
    gain = bootstrap_subjects(gains, subject_of, seed=seed)
    return LabelRepair(
        noise=noise,
        method=method,
        labels=kind,
        before=bootstrap_subjects(dice["before_dice"], subject_of, seed=seed),
        after=bootstrap_subjects(dice["after_dice"], subject_of, seed=seed),
        gain=gain,
        case_count=masks["case_id"].nunique(),
        clean_case_count=len(gains),
        improved_count=int((gains > _ROUNDING).sum()),
        worsened_count=int((gains < -_ROUNDING).sum()),
        kept_count=masks.loc[masks["is_kept"], "case_id"].nunique(),
        changed_share=_average_shares(masks),
    )


def _average_shares(masks: pd.DataFrame) -> float | None:
    """Mean over cases of the share that changed; an empty mask has no labelled voxels to take a share of."""
    changed = masks[~masks["is_kept"] & np.isfinite(masks["changed_share"])]
    return float(changed.groupby("case_id")["changed_share"].mean().mean()) if len(changed) else None


@dataclass(frozen=True)
class RelabelDesign:
    """What was trained and relabelled.

    Attributes:
        source: the source whose labels are repaired, or that noise was added to.
        clean_source: what counts as clean; empty where nothing does.
        noises: labels that were repaired, at least one.
        methods: how uncertainty was estimated, the main one first, at least one.
        folds: rounds of the cross-validation.
        repeats: trainings of each kind and fold.
        rule: how masks are changed.
        watched: trainings with relabelling.
        plain: all other trainings.
        sources: the new sources.
        missing: trainings that gave no network.
        case_ids: cases considered; all of the study if empty.
    """

    source: str
    clean_source: str
    noises: tuple[NoisyLabels, ...]
    methods: tuple[str, ...]
    folds: int
    repeats: int
    rule: RuleName = "paper"
    watched: tuple[WatchedTraining, ...] = ()
    plain: tuple[PlainTraining, ...] = ()
    sources: tuple[RelabelledSource, ...] = ()
    missing: tuple[MissingCorrection, ...] = ()
    case_ids: tuple[str, ...] = ()


def summarise_relabelling(
    dice: pd.DataFrame,
    labels: pd.DataFrame,
    *,
    study: Study,
    design: RelabelDesign,
    skills: Mapping[str, Skill],
    matters: float = DICE_THAT_MATTERS,
    seed: int = 0,
) -> RelabelEvaluation:
    """Summarise what relabelling did to the labels and to the networks that learnt them.

    What was not tried has no cell; what was tried and failed has one without numbers. Cases whose training failed are
    left out of the numbers of that way of training, and of what is compared with them.

    Args:
        dice: DICE_COLUMNS.
        labels: LABEL_COLUMNS; without rows where nothing was relabelled.
        study: the study, for its name and cases.
        design: what was trained and relabelled.
        skills: by noise, how much the networks without correction have learnt.
        matters: smallest difference of Dice that is called one, above 0.
        seed: of the bootstrap.

    Raises:
        InputError: there is no Dice at all, a training is of no noise or method of the design, or see `index_dice` and
            `check_labels`.
    """
    noises = tuple(noise.name for noise in design.noises)
    _check(dice, design, noises)
    scores = index_dice(dice, noises=noises, methods=design.methods)
    masks = check_labels(labels, noises=noises, methods=design.methods)
    predicted = zip(dice["noise"], dice["correction"], dice["method"], strict=True)
    tried = order_trainings({*_list_planned(design), *predicted}, noises, design.methods)
    return RelabelEvaluation(
        study=study.settings.name,
        target=study.settings.target,
        source=design.source,
        clean_source=design.clean_source,
        noises=design.noises,
        methods=design.methods,
        rule=design.rule,
        folds=design.folds,
        repeats=design.repeats,
        matters=matters,
        skills=dict(skills),
        cells=summarise_cells(scores, tried, folds=design.folds, matters=matters, skills=skills, seed=seed),
        repairs=summarise_repairs(masks, noises, design.methods, seed=seed),
        watched=design.watched,
        plain=design.plain,
        costs=measure_costs(design.methods, design.watched, design.plain),
        sources=design.sources,
        missing=design.missing,
        case_ids=design.case_ids or study.case_ids,
        seed=seed,
    )


def _list_planned(design: RelabelDesign) -> set[Training]:
    """Ways of training that left a record or a failure."""
    planned: set[Training] = {(training.noise, "relabel", training.method) for training in design.watched}
    planned |= {(training.noise, training.correction, "") for training in design.plain}
    return planned | {(entry.noise, entry.correction, entry.method) for entry in design.missing}


def _check(dice: pd.DataFrame, design: RelabelDesign, noises: tuple[str, ...]) -> None:
    for what, names in (("noises", noises), ("methods", design.methods)):
        if not names or len(set(names)) < len(names):
            raise InputError(f"there must be {what}, all different", found=", ".join(names) or "none")
    if dice.empty:
        raise InputError(
            "at least one training must have left a prediction",
            found=f"none, and {len(design.missing)} failed trainings",
            hint="the first reason: " + design.missing[0].reason if design.missing else "",
        )
    planned = _list_planned(design)
    if unknown := sorted(planned.difference(order_trainings(planned, noises, design.methods))):
        raise InputError(
            "each training must be of a noise and a method of the design",
            found=" and ".join(filter(None, unknown[0])),
            hint=f"noises: {', '.join(noises)}; methods: {', '.join(design.methods)}",
        )
