"""The table of `label-noise`: held-out masks at the preset's threshold and at the best one, against clean labels."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from overread.evaluation.overlap import compute_dice
from overread.labels.variant_record import LabelVariant
from overread.questions.label_noise.results import DICE_COLUMNS
from overread.questions.label_noise.steps import evaluate_noise
from overread.questions.label_noise.steps.plan_noise_trainings import NoisePlanSettings, plan_noise_trainings
from overread.runs.label_variants import LabelVariants, describe_control
from overread.runs.plan import TrainingPlan, name_best_threshold, name_predictions
from overread.runs.threshold_record import BestThresholds, locate_best_thresholds
from overread.study.study import Study
from tests.studies import make_preset, write_squares


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return write_squares(tmp_path / "study")


@pytest.fixture
def plan(study: Study, tmp_path: Path) -> TrainingPlan:
    """Networks on the labels of ann and on perturbed ones, in two folds; their files lie in `tmp_path`."""
    perturbed = LabelVariant(name="natural-0.90", mode="natural", target_dice=0.9, achieved_dice=0.9)
    variants = LabelVariants(source="ann", redraw="never", variants=(describe_control("d"), perturbed))
    variants.write(tmp_path / "variants.json")
    make_preset(2).write_yaml(tmp_path / "tiny.yaml")
    settings = NoisePlanSettings(networks=("unet",), preset=str(tmp_path / "tiny.yaml"), folds=2, repeats=1)
    plan = plan_noise_trainings(study, variants, settings, revision="abc")
    plan.write(tmp_path / "plan.json")
    return plan


def write_predictions(root: Path, study: Study, plan: TrainingPlan) -> dict[str, float]:
    """Masks of ben at the preset's threshold and of ann, the truth, at the best one; a threshold for each training."""
    thresholds = {job.name: (place + 1) / 10 for place, job in enumerate(plan.jobs)}
    BestThresholds(threshold_of=thresholds).write(locate_best_thresholds(root))
    for job in plan.jobs:
        name = name_predictions(job)
        for target, source in ((name, "ben"), (name_best_threshold(name), "ann")):
            (root / target).mkdir(parents=True, exist_ok=True)
            for case_id in job.test_cases:
                shutil.copyfile(study.labels(source).path(case_id), root / target / f"{case_id}.png")
    return thresholds


def test_every_held_out_mask_is_compared_at_both_thresholds_and_measured(study, plan, tmp_path):
    thresholds = write_predictions(tmp_path / "predictions", study, plan)
    files = (tmp_path / name for name in ("plan.json", "variants.json", "predictions"))
    evaluation = evaluate_noise.run(study.root, *files, [], output=tmp_path / "found", store=str(tmp_path / "store"))
    table = evaluate_noise.read_dice(tmp_path / "found")
    assert tuple(table.columns) == DICE_COLUMNS
    assert len(table) == 2 * len(study.case_ids)
    variant_of = {"ann": "control", "ann-natural-0.90": "natural-0.90"}
    threshold_of = {(variant_of[job.labels], job.fold): thresholds[job.name] for job in plan.jobs}
    for row in table.to_dict("records"):
        true, predicted = (study.labels(source).read(row["case_id"]) for source in ("ann", "ben"))
        area = float(np.prod(study.read_spacing(row["case_id"])))
        assert row["dice"] == pytest.approx(compute_dice(true, predicted))
        assert row["best_dice"] == 1
        assert row["best_threshold"] == threshold_of[row["variant"], row["fold"]]
        assert row["true_load"] == pytest.approx(np.count_nonzero(true) * area)
        assert row["predicted_load"] == pytest.approx(np.count_nonzero(predicted) * area)
    decision = evaluation.find_cell("unet", "natural-0.90").decision
    assert (decision.mean.estimate, decision.loss.estimate) == (1, 0)
    ratios = table["predicted_load"] / table["true_load"]
    assert decision.load_ratio.estimate == pytest.approx(ratios[table["variant"] == "natural-0.90"].mean())
