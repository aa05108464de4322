"""Dice of networks of mixed labels, from the predictions of every repeat."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from overread.evaluation.matters import Matters
from overread.questions.rater_bias.mixing_results import MIXING_COLUMNS, MixingEvaluation
from overread.questions.rater_bias.steps import evaluate_mixing
from overread.runs.plan import TrainingPlan
from overread.runs.plan_trainings import PlanSettings, plan_trainings
from overread.study.label_set import LabelSet
from overread.study.rasters import write_mask
from overread.study.study import Study
from tests.studies import make_preset, write_squares

DRAWN = {"network-ann": "ann", "network-ann+1.00-ben": "ben", "network-ben": "ben"}
"""Whose outlines the networks draw: with ben's labels added, they draw like ben."""


def prepare(root: Path, *, repeats: int = 2, ratios: tuple[float, ...] = (1.0,)) -> tuple[Study, TrainingPlan]:
    study = write_squares(root / "study", case_count=6)
    make_preset(2).write_yaml(root / "tiny.yaml")
    settings = PlanSettings(
        pipeline="rater-bias", preset=str(root / "tiny.yaml"), folds=3, repeats=repeats, mix_ratios=ratios
    )
    plan = plan_trainings(study, settings, revision="")
    plan.write(root / "plan.json")
    return study, plan


def write_predictions(study: Study, name: str, drawn: str) -> None:
    labels = LabelSet(name, study.root.parent / "predictions" / name, study.suffix)
    for case_id in study.case_ids:
        mask = study.labels(drawn).read(case_id) if drawn else np.ones((24, 24), np.bool_)
        write_mask(labels.path(case_id), mask, None)


def evaluate(root: Path) -> MixingEvaluation | None:
    folders = (root / "study", root / "plan.json", root / "predictions")
    return evaluate_mixing.run(*folders, output=root / "found", store=str(root / "store"))


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, MixingEvaluation]:
    """Averaged masks are right; of the repeats of the mixed network, the second marks everything."""
    root = tmp_path_factory.mktemp("mixing")
    study, _ = prepare(root)
    for name, drawn in DRAWN.items():
        write_predictions(study, name, drawn)
        for repeat in range(2):
            write_predictions(study, f"{name}-repeat{repeat}", "" if "+" in name and repeat else drawn)
    evaluation = evaluate(root)
    assert evaluation is not None
    return root, evaluation


def test_every_repeat_is_compared_by_its_own_masks(found: tuple[Path, MixingEvaluation]) -> None:
    root, evaluation = found
    table = pd.read_csv(root / "found" / "mixing.csv")
    assert tuple(table.columns) == MIXING_COLUMNS
    assert len(table) == 2 * 2 * 2 * 6, "ratios, references, repeats and cases"
    assert table.groupby("case_id")["fold"].nunique().max() == 1
    mixed = table[(table["ratio"] == 1) & (table["reference"] == "ben")]
    assert mixed.loc[mixed["repeat"] == 0, "dice"].min() == 1
    assert mixed.loc[mixed["repeat"] == 1, "dice"].max() < 0.5
    assert evaluation.training_count == 3 * 3 * 2
    assert evaluation.networks[1].dice[1].mean is not None
    assert evaluation.networks[1].dice[1].mean.repeat_count == 2


def test_skills_are_those_of_all_repeats_of_the_networks_that_learnt_least(
    found: tuple[Path, MixingEvaluation],
) -> None:
    """Plain networks draw as their source; of the mixed ones, one repeat draws as ben, the other marks everything."""
    root, evaluation = found
    table = pd.read_csv(root / "found" / "mixing.csv")
    mixed = table[(table["ratio"] == 1) & (table["reference"] == "ann")]
    skills = evaluation.skills
    assert set(skills) == {"ann", "ben"}
    assert skills["ben"].own == 1
    assert skills["ann"].own == pytest.approx(mixed["dice"].mean())
    assert skills["ann"].raters == pytest.approx(mixed.loc[mixed["repeat"] == 0, "dice"].mean())


def test_networks_of_which_one_learnt_nothing_give_no_verdict(tmp_path: Path) -> None:
    study, _ = prepare(tmp_path, repeats=1)
    for name, drawn in DRAWN.items():
        write_predictions(study, name, "" if "+" in name else drawn)
    evaluation = evaluate(tmp_path)
    assert evaluation is not None
    assert not evaluation.skills["ann"].has_learnt
    assert evaluation.verdict == "learnt too little"


def test_what_matters_is_part_of_the_name_of_the_result(tmp_path: Path) -> None:
    study, plan = prepare(tmp_path, repeats=1)
    for name, drawn in DRAWN.items():
        write_predictions(study, name, drawn)
    for matters in (0.02, 0.05):
        preset = plan.preset.model_copy(update={"matters": Matters(dice=matters)})
        plan.model_copy(update={"preset": preset}).write(tmp_path / "plan.json")
        evaluation = evaluate(tmp_path)
        assert evaluation is not None
        assert evaluation.matters == matters


def test_a_plan_without_mixed_labels_leaves_an_empty_folder(tmp_path: Path) -> None:
    prepare(tmp_path, repeats=1, ratios=())
    assert evaluate(tmp_path) is None
    assert list((tmp_path / "found").iterdir()) == []
    assert evaluate_mixing.read_mixing(tmp_path / "found") is None
