"""From predictions of several repeats to a verdict, its tables and its line at the end of a local run."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from overread.evaluation.results import name_network
from overread.questions.rater_bias.steps import cross_evaluate, summary
from overread.questions.rater_bias.steps.write_report import collect_metrics
from overread.runs.plan import TrainingPlan
from overread.runs.plan_trainings import PlanSettings, plan_trainings
from overread.study.rasters import write_mask
from overread.study.study import Study
from tests.studies import make_preset, write_squares

REPEATS = 2


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return write_squares(tmp_path / "study")


def make_plan(study: Study, *, matters: float = 0.02) -> Path:
    preset = make_preset(2)
    preset = preset.model_copy(update={"matters": preset.matters.model_copy(update={"dice": matters})})
    preset.write_yaml(study.root.parent / "tiny.yaml")
    settings = PlanSettings(
        pipeline="rater-bias",
        preset=str(study.root.parent / "tiny.yaml"),
        folds=3,
        repeats=REPEATS,
        mix_ratios=(0.5,),
    )
    plan_trainings(study, settings, revision="").write(study.root.parent / "plan.json")
    return study.root.parent / "plan.json"


def predict(study: Study, plan_file: Path, *, everything: bool = False) -> Path:
    """Every repeat's networks draw what their own source does, or mark all; the masks of all repeats are empty."""
    folder, plan = study.root.parent / "predictions", TrainingPlan.read(plan_file)
    for job in plan.jobs:
        for case_id in job.test_cases:
            own = study.labels(job.source).read(case_id)
            masks = {name: np.zeros_like(own) for name in plan.name_groups(job)}
            masks[plan.name_scored(job)] = np.ones_like(own) if everything else own
            for name, mask in masks.items():
                write_mask(folder / name / f"{case_id}{study.suffix}", mask, None)
    return folder


def evaluate(study: Study, plan_file: Path, predictions: Path) -> Path:
    output = study.root.parent / "outputs" / "cross_evaluation"
    cross_evaluate.run(
        study.root, plan_file, predictions, output=output, store=str(study.root.parent / "store"), processes=1
    )
    return output


def test_repeats_are_judged_by_their_own_masks_and_told_in_the_summary(study: Study) -> None:
    plan_file = make_plan(study)
    output = evaluate(study, plan_file, predict(study, plan_file))
    found = cross_evaluate.read_evaluation(output)
    assert (found.same_dice.estimate, found.verdict) == (1.0, "yes")
    assert found.dice_gap is not None
    assert (found.dice_gap.fold_count, found.dice_gap.repeat_count) == (3, REPEATS)
    matrix = {(cell.prediction, cell.reference): cell.mean for cell in found.matrix if cell.metric == "dice"}
    assert matrix[name_network("ann"), "ann"] == 0
    scores = pd.read_csv(output / cross_evaluate.REPEATS_FILE)
    assert set(scores["source"]) == {"ann", "ben"}
    assert len(scores) == len(study.case_ids) * 2 * 2 * REPEATS
    lines = summary.summarise(output.parent)
    assert any(line.startswith("Yes: the networks agree better with the rater that trained them") for line in lines)
    metrics = collect_metrics(found)
    assert metrics["dice_gap"] == found.dice_gap.estimate
    assert metrics["skill"] == min(skill.value for skill in found.skills.values())
    assert metrics["dice_gap_run_std"] == 0
    assert metrics["dice_gap_smallest_detectable"] == found.dice_gap.smallest_detectable


def test_networks_that_mark_everything_get_no_verdict_in_the_summary(study: Study) -> None:
    plan_file = make_plan(study)
    output = evaluate(study, plan_file, predict(study, plan_file, everything=True))
    assert cross_evaluate.read_evaluation(output).verdict == "learnt too little"
    lines = summary.summarise(output.parent)
    assert any(line.startswith("The networks learnt too little") for line in lines)
    assert not any("own minus other" in line for line in lines)


def test_what_difference_matters_is_the_preset_s_and_makes_another_evaluation(study: Study) -> None:
    plan_file = make_plan(study)
    predictions = predict(study, plan_file)
    assert cross_evaluate.read_evaluation(evaluate(study, plan_file, predictions)).verdict == "yes"
    output = evaluate(study, make_plan(study, matters=0.9), predictions)
    assert cross_evaluate.read_evaluation(output).verdict == "no difference that matters"
