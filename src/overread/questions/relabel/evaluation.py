"""From the Dice of every held-out case and relabelled mask to the figures of `relabel` (Redekop, Chernyavskiy 2021)."""

from dataclasses import dataclass
from typing import Literal

import pandas as pd

from overread.errors import InputError
from overread.questions.relabel.cells import Training, order_trainings, summarise_cells
from overread.questions.relabel.costs import measure_costs
from overread.questions.relabel.repairs import summarise_repairs
from overread.questions.relabel.results import (
    MissingCorrection,
    NoisyLabels,
    PlainTraining,
    RelabelEvaluation,
    RelabelledSource,
    WatchedTraining,
)
from overread.questions.relabel.scores import check_labels, index_dice
from overread.study.study import Study


@dataclass(frozen=True)
class RelabelDesign:
    """What was trained and relabelled.

    Attributes:
        source: the source whose labels are repaired, or that noise was added to.
        clean_source: what counts as clean; empty where nothing does.
        noises: labels that were repaired, at least one.
        methods: how uncertainty was estimated, the main one first, at least one.
        flips: which uncertain voxels change sides.
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
    flips: Literal["uncertain", "contradicted"] = "uncertain"
    watched: tuple[WatchedTraining, ...] = ()
    plain: tuple[PlainTraining, ...] = ()
    sources: tuple[RelabelledSource, ...] = ()
    missing: tuple[MissingCorrection, ...] = ()
    case_ids: tuple[str, ...] = ()


def summarise_relabelling(
    dice: pd.DataFrame, labels: pd.DataFrame, *, study: Study, design: RelabelDesign, seed: int = 0
) -> RelabelEvaluation:
    """Summarise what relabelling did to the labels and to the networks that learnt them.

    What was not tried has no cell; what was tried and failed has one without numbers. Cases whose training failed are
    left out of the numbers of that way of training, and of what is compared with them.

    Args:
        dice: DICE_COLUMNS.
        labels: LABEL_COLUMNS; without rows where nothing was relabelled.
        study: the study, for its name and cases.
        design: what was trained and relabelled.
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
        flips=design.flips,
        cells=summarise_cells(scores, tried, seed=seed),
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
