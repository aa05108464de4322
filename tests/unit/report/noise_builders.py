"""Inputs of the report of `label-noise`, small enough to check by hand."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from report_builders import build_context, build_mask, build_study

from overread.evaluation.skill import Skill
from overread.labels.settings import PerturbationSettings
from overread.labels.variant_record import LabelVariant
from overread.questions.label_noise.evaluation import NoiseDesign, summarise_label_noise
from overread.questions.label_noise.page.report import write_label_noise_report
from overread.questions.label_noise.results import DICE_COLUMNS, LabelNoiseEvaluation, MissingTraining
from overread.report.context import RunContext
from overread.study.label_set import LabelSet
from overread.study.rasters import write_mask
from overread.study.study import Study
from overread.training.result import RedrawnLabels, TrainingJob, TrainingResult
from tests.training_results import make_training_result

SLOPES = {"control": 0.0, "natural": 0.6, "choppy": 0.4, "random": 0.0}
SKILL = Skill(own=0.8, guess=0.1)
VARIANTS = ("control", "natural-0.90", "natural-0.80", "choppy-0.80", "random-0.80")


@dataclass
class Inputs:
    evaluation: LabelNoiseEvaluation
    dice: pd.DataFrame
    study: Study
    labels: dict[str, LabelSet]
    trainings: list[TrainingResult]
    context: RunContext

    def write(self, path: Path) -> str:
        write_label_noise_report(
            path,
            evaluation=self.evaluation,
            dice=self.dice,
            study=self.study,
            labels=self.labels,
            trainings=self.trainings,
            context=self.context,
        )
        return path.read_text(encoding="utf-8")


def build_variant(name: str) -> LabelVariant:
    mode = name.split("-")[0]
    if mode == "control":
        return LabelVariant(name=name, mode="control", target_dice=1, achieved_dice=1, digest="44" * 32)
    level = float(name.split("-")[1])
    return LabelVariant(
        name=name,
        mode=mode,
        target_dice=level,
        achieved_dice=level,
        achieved_range=(level - 0.02, level + 0.03),
        strength=1 - level if mode == "random" else 1.25,
        strength_unit="share" if mode == "random" else "px",
        digest="55" * 32,
    )


def build_dice(
    study: Study, networks: Sequence[str], variants: Sequence[LabelVariant], repeats: int, spread: float
) -> pd.DataFrame:
    """Control 0.8; each unit of label Dice costs SLOPES, give or take `spread` by case; equal in every repeat.

    At the best threshold, 0.75, the control has 0.9, and a unit of label Dice costs half of that. What is outlined is
    1.2 times the truth and, per unit of label Dice, 2 times the truth more.
    """
    steps = np.linspace(-spread, spread, len(study.cases))
    rows = []
    for network in networks:
        for variant in variants:
            for repeat in range(repeats):
                for step, case in zip(steps, study.cases, strict=True):
                    cost = (SLOPES[variant.mode] + step) * (1 - variant.achieved_dice)
                    numbers = (0.8 - cost, 0.75, 0.9 - cost / 2, 50 * (1.2 + 2 * (1 - variant.achieved_dice)), 50.0)
                    rows.append((network, variant.name, repeat, case.case_id, case.subject_id, 0, *numbers))
    return pd.DataFrame(rows, columns=list(DICE_COLUMNS))


def build_noise_inputs(
    root: Path,
    *,
    networks: Sequence[str] = ("unet", "segnet"),
    variants: Sequence[str] = VARIANTS,
    case_count: int = 6,
    dimensions: int = 2,
    repeats: int = 2,
    redraw: str = "never",
    missing: Sequence[MissingTraining] = (),
    spread: float = 0.01,
    skill: Skill = SKILL,
) -> Inputs:
    study = build_study(
        root / "study", ("truth",), case_count=case_count, dimensions=dimensions, target="lesion", kind="synthetic"
    )
    described = tuple(map(build_variant, variants))
    if redraw == "every_epoch":
        unstored = {"achieved_range": None, "digest": ""}
        described = (described[0], *(variant.model_copy(update=unstored) for variant in described[1:]))
    dice = build_dice(study, networks, described, repeats, spread)
    for entry in missing:
        gone = (dice["network"] == entry.network) & (dice["variant"] == entry.variant)
        dice = dice[~(gone & (dice["repeat"] == entry.repeat))]
    design = NoiseDesign("truth", described, tuple(networks), redraw, folds=1, repeats=repeats)
    labels = write_labels(root / "labels", study, variants) if redraw == "never" else {}
    return Inputs(
        evaluation=summarise_label_noise(
            dice,
            study=study,
            design=design,
            skills={network: SKILL if place else skill for place, network in enumerate(networks)},
            missing=missing,
        ),
        dice=dice,
        study=study,
        labels=labels,
        trainings=[
            build_training(study, network, variant, repeat, redraw)
            for network in networks
            for variant in variants
            for repeat in range(repeats)
        ],
        context=build_context(("truth",)).model_copy(update={"pipeline": "label-noise"}),
    )


def write_labels(root: Path, study: Study, variants: Sequence[str]) -> dict[str, LabelSet]:
    labels = {name: LabelSet(name, root / name, study.suffix) for name in variants if name != "control"}
    for place, label_set in enumerate(labels.values()):
        for case_id in study.case_ids:
            mask = build_mask(study.settings.dimensions, size=7 + place)
            write_mask(label_set.path(case_id), mask, study.read_affine(case_id))
    return labels


def build_training(study: Study, network: str, variant: str, repeat: int, redraw: str) -> TrainingResult:
    cases, mode = study.case_ids, variant.split("-")[0]
    is_redrawn = redraw == "every_epoch" and variant != "control"
    job = TrainingJob(
        source="truth" if is_redrawn or variant == "control" else f"truth-{variant}",
        network=network,
        fold=0,
        repeat=repeat,
        seed=17 + repeat,
        train_cases=cases[:2],
        validation_cases=cases[2:3],
        test_cases=cases,
        validation_source="truth",
        redrawn=RedrawnLabels(variant=variant, perturbation=PerturbationSettings(mode=mode, strength=0.2))
        if is_redrawn
        else None,
    )
    return make_training_result(job, epochs=12 + repeat, kept_epoch=9, kept_validation_dice=0.712)
