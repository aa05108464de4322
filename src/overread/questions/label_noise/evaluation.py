"""From the Dice of every held-out case to the figures of `label-noise` (Heller et al. 2018)."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from overread.errors import InputError
from overread.evaluation.skill import Skill
from overread.evaluation.verdict import DICE_THAT_MATTERS
from overread.labels.variant_record import CONTROL, LabelVariant, Redraw
from overread.questions.label_noise.decisions import Decisions
from overread.questions.label_noise.findings import judge_findings
from overread.questions.label_noise.results import LabelNoiseEvaluation, MissingTraining
from overread.questions.label_noise.scores import index_scores, summarise_cells
from overread.questions.label_noise.slopes import (
    choose_step,
    summarise_costs,
    summarise_pooled_slopes,
    summarise_slopes,
)
from overread.study.study import Study


@dataclass(frozen=True)
class NoiseDesign:
    """What was to be trained.

    Attributes:
        source: the clean source.
        variants: labels learnt, the control among them.
        networks: architectures, each trained on every variant.
        redraw: whether a case had one perturbed mask, or a new one in every epoch.
        folds: rounds of the cross-validation.
        repeats: random initialisations per network, variant and fold.
        case_ids: cases considered; all of the study if empty.
    """

    source: str
    variants: tuple[LabelVariant, ...]
    networks: tuple[str, ...]
    redraw: Redraw
    folds: int
    repeats: int
    case_ids: tuple[str, ...] = ()


def summarise_label_noise(
    dice: pd.DataFrame,
    *,
    study: Study,
    design: NoiseDesign,
    skills: Mapping[str, Skill],
    missing: Sequence[MissingTraining] = (),
    matters: float = DICE_THAT_MATTERS,
) -> LabelNoiseEvaluation:
    """Summarise the Dice of networks that learnt imperfect labels with the clean labels of held-out cases.

    Every repeat's network is judged by itself, and each subject counts once. Cases whose training failed are left out
    of the numbers of that network and variant, and of what is compared with them. Where the networks of an architecture
    learnt too little from clean labels, nothing is concluded.

    Args:
        dice: DICE_COLUMNS.
        study: the study, for its name and the cases that the clean source has labelled.
        design: what was to be trained.
        skills: of the control's networks, by architecture; those without one are left out.
        missing: the trainings that gave no network.
        matters: smallest difference of Dice that matters.

    Raises:
        InputError: there is no Dice at all, the control is not among the variants, or see `index_scores`.
    """
    names = tuple(variant.name for variant in design.variants)
    _check(dice, design, names, missing)
    scores = index_scores(dice, networks=design.networks, variants=names)
    case_ids = design.case_ids or study.case_ids
    labelled = set(study.labels(design.source).select_labelled(case_ids))
    trainings, has_learnt = scores.trainings, all(skill.has_learnt for skill in skills.values())
    step, networks, variants = choose_step(design.variants), design.networks, design.variants
    pooled = summarise_pooled_slopes(trainings, networks, variants)
    decisions = Decisions.build(scores)
    cells = summarise_cells(
        scores,
        networks,
        names,
        missing=missing,
        planned_count=design.folds * design.repeats,
        matters=matters,
        has_learnt=has_learnt,
    )
    return LabelNoiseEvaluation(
        study=study.settings.name,
        target=study.settings.target,
        dimensions=study.settings.dimensions,
        source=design.source,
        redraw=design.redraw,
        networks=networks,
        variants=variants,
        cells=tuple(
            cell.model_copy(update={"decision": decisions.summarise(cell.network, cell.variant)}) for cell in cells
        ),
        slopes=summarise_slopes(trainings, networks, variants),
        pooled_slopes=pooled,
        best_threshold_slopes=decisions.summarise_slopes(networks, variants),
        costs=summarise_costs(pooled, step=step, matters=matters) if has_learnt else (),
        findings=judge_findings(trainings, networks, variants, step=step, matters=matters) if has_learnt else (),
        skills=dict(skills),
        missing=tuple(missing),
        case_ids=case_ids,
        unlabelled_cases=tuple(case_id for case_id in case_ids if case_id not in labelled),
        folds=design.folds,
        repeats=design.repeats,
        step=step,
        matters=matters,
        run_stds={
            network: math.sqrt(runs.variance)
            for network in networks
            if (runs := trainings.measure_runs({(network, CONTROL): 1.0})) is not None
        },
    )


def _check(dice: pd.DataFrame, design: NoiseDesign, names: tuple[str, ...], missing: Sequence[MissingTraining]) -> None:
    if names.count(CONTROL) != 1 or len(set(names)) < len(names):
        raise InputError("the variants must differ, and one must be the control", found=", ".join(names) or "none")
    if dice.empty:
        raise InputError(
            "at least one training must have left a prediction",
            found=f"none, and {len(missing)} failed trainings",
            hint="the first reason: " + missing[0].reason if missing else "",
        )
    unknown = [entry for entry in missing if entry.network not in design.networks or entry.variant not in names]
    if unknown:
        raise InputError(
            "a missing training must be of a network and a variant of the evaluation",
            found=f"{unknown[0].network} and {unknown[0].variant}",
        )
