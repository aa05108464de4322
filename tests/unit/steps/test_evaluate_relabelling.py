"""Dice of hand-made predictions and relabelled masks with clean and with noisy masks.

A mask of n voxels holds the first n of a row, so that those of n and m ≥ n voxels have a Dice of 2n / (n + m). Clean
masks have 6 voxels, noisy ones 3, and a mask that a training or the new source relabelled has 4:

- before relabelling 2 · 3 / (3 + 6) = 2/3, after it 2 · 4 / (4 + 6) = 4/5;
- a prediction of n voxels has the D_clean of 2n / (n + 6), and the D_noisy of 6 / (n + 3) for n ≥ 3.

Every way of training is repeated twice, and both repeats predict the same.
"""

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from overread.labels.relabel_rules.change import Flip
from overread.labels.relabel_rules.guards import Refusal, RelabelGuards
from overread.labels.relabel_rules.rule import SettledRule
from overread.labels.variant_record import LabelVariant
from overread.questions.relabel.results import DICE_COLUMNS, LABEL_COLUMNS, RelabelEvaluation, RelabelledSource
from overread.questions.relabel.steps import evaluate_relabelling
from overread.questions.relabel.steps.choice import CorrectionChoice
from overread.questions.relabel.steps.design import CorrectionDesign
from overread.questions.relabel.steps.evaluate_relabelling import InputFiles, list_clean_dice, read_relabelled_masks
from overread.questions.relabel.steps.make_relabelled_sources import RelabelledSources
from overread.questions.relabel.steps.plan_corrections import plan_corrections
from overread.runs.label_variants import LabelVariants
from overread.runs.plan import TrainingPlan, name_predictions
from overread.study.label_set import LabelSet
from overread.study.rasters import write_mask
from overread.study.schema import Provenance, SourceSettings
from overread.study.study import Study, add_source
from overread.training.history import HISTORY_FILE, EpochReport, write_history
from overread.training.relabel_record import CaseChange, RelabelRecord, open_relabelled
from overread.training.result import TrainingFailure, TrainingJob
from overread.training.settings import CorrectionSettings
from overread.types import Mask
from tests.studies import make_preset, write_squares
from tests.training_results import make_training_result

CONTROL = LabelVariant(name="control", mode="control", target_dice=1, achieved_dice=1)
TRIANGLES = LabelVariant(name="polygon-3", mode="polygon", target_dice=None, achieved_dice=2 / 3)
NOISY = LabelVariants(source="ann", redraw="never", variants=(CONTROL, TRIANGLES))
AS_THEY_ARE = LabelVariants(source="ben", redraw="never", variants=(CONTROL,))

CLEAN, NOISE, RELABELLED = 6, 3, 4
PREDICTED = {"clean": 6, "none": 4, "reweight": 2, "relabel": 5}
"""Voxels of every held-out mask, by correction."""
BEFORE, AFTER = 2 / 3, 4 / 5


@dataclass(frozen=True)
class Inputs:
    """What the steps before have left in a folder of its own."""

    home: Path
    plan: TrainingPlan
    variants: LabelVariants
    failures: tuple[TrainingFailure, ...] = ()

    @property
    def study(self) -> Study:
        return Study.open(self.home / "study")

    @property
    def design(self) -> CorrectionDesign:
        return CorrectionDesign(self.plan, self.variants)

    def find_jobs(self, correction: str) -> tuple[TrainingJob, ...]:
        return tuple(job for job in self.plan.jobs if self.design.find_role(job).correction == correction)


def draw(count: int) -> Mask:
    mask = np.zeros((24, 24), np.bool_)
    mask[5, :count] = True
    return mask


def draw_source(study: Study, source: str, count: int) -> None:
    for case_id in study.case_ids:
        write_mask(study.labels(source).path(case_id), draw(count), None)


def make_report(epoch: int, *, is_watched: bool) -> EpochReport:
    """D_clean 0.1 and D_noisy 0.2 per epoch, and a ΣU of 100 minus ten per epoch."""
    return EpochReport(
        epoch=epoch,
        loss=1 / epoch,
        learning_rate=0.1,
        seconds=epoch,
        validation_dice=epoch / 10,
        learnt_dice=epoch / 5,
        cumulative_uncertainty=100.0 - 10 * epoch if is_watched else None,
    )


def write_training(inputs: Inputs, job: TrainingJob) -> None:
    """A training of three epochs; relabelling came after the second, and the third was looked at to choose it."""
    folder = inputs.home / "networks" / job.name
    folder.mkdir(parents=True)
    is_relabelling = inputs.design.find_role(job).correction == "relabel"
    result = make_training_result(job, fingerprint=job.name, epochs=3, kept_validation_dice=0.3, duration_seconds=30.0)
    result.write(folder)
    history = [make_report(epoch, is_watched=is_relabelling and epoch < 3) for epoch in (1, 2, 3)]
    write_history(folder / HISTORY_FILE, history)
    if is_relabelling:
        _write_relabelling(inputs, job, folder)


def make_change(count: int, share: float, refusal: Refusal = "") -> CaseChange:
    return CaseChange(
        changed_count=count, changed_share=share, area_ratio=1 + share, refusal=refusal, is_kept=bool(refusal)
    )


def _write_relabelling(inputs: Inputs, job: TrainingJob, folder: Path) -> None:
    """The first training case was left alone, with a share that no finite number tells."""
    left_alone, *changed = job.train_cases
    changes = {case_id: make_change(1, 1 / 3) for case_id in changed}
    changes[left_alone] = make_change(9, float("inf"), refusal="growth")
    RelabelRecord(
        rule=2,
        chosen_epoch=2,
        repair=SettledRule(rule="contradicted", change=Flip(threshold=0.125, which="contradicted")),
        guards=RelabelGuards(),
        stopped="",
        watched=tuple(make_report(epoch, is_watched=True) for epoch in (1, 2, 3)),
        training_seconds=40.0,
        uncertainty_seconds=20.0,
        estimate_count=10,
        cases=changes,
    ).write(folder)
    for case_id in job.train_cases:
        count = NOISE if case_id == left_alone else RELABELLED
        write_mask(open_relabelled(folder, inputs.study.suffix).path(case_id), draw(count), None)


def write_predictions(inputs: Inputs, job: TrainingJob) -> None:
    role, name = inputs.design.find_role(job), name_predictions(job)
    labels = LabelSet(name, inputs.home / "predictions" / name, inputs.study.suffix)
    for case_id in job.test_cases:
        write_mask(labels.path(case_id), draw(PREDICTED[role.correction]), None)


def add_relabelled_source(inputs: Inputs, noisy: str) -> None:
    """A relabelled source: case00 was not learnt by any fold, case01 was left alone, all others have changed."""
    study, name = inputs.study, f"{noisy}-relabelled-0a1b2c"
    cases = {case_id: {"has_map": True, "changed_share": 0.25, "is_kept": False} for case_id in study.case_ids}
    cases["case00"] = {"has_map": False}
    cases["case01"] = {"has_map": True, "changed_share": None, "is_kept": True}
    counts = {case_id: RELABELLED if case.get("is_kept") is False else NOISE for case_id, case in cases.items()}
    add_source(
        study.root,
        name,
        settings=SourceSettings(kind="relabelled"),
        masks=((case_id, draw(count), None) for case_id, count in counts.items()),
        provenance=Provenance(operation="relabel", cases=cases),
    )
    source = RelabelledSource(
        name=name,
        noise=inputs.design.noises[0].name,
        method="tta",
        threshold=0.125,
        change="δ 0.125",
        stopped="",
        kept_case_ids=("case01",),
        digest="c" * 64,
    )
    RelabelledSources(sources=(source,), revision="abc").write(inputs.home / "sources.json")


def make_inputs(home: Path, variants: LabelVariants) -> Inputs:
    """Two folds of six cases; ben draws the clean masks too small where his own labels are repaired."""
    study = write_squares(home / "study")
    draw_source(study, "ann", CLEAN)
    draw_source(study, "ben", NOISE)
    if variants == NOISY:
        masks = [(case_id, draw(NOISE), None) for case_id in study.case_ids]
        settings, provenance = SourceSettings(kind="perturbed"), Provenance(operation="perturb")
        add_source(study.root, "ann-polygon-3", settings=settings, masks=masks, provenance=provenance)
    preset = make_preset(2).model_copy(update={"correction": CorrectionSettings(folds=2)})
    preset.write_yaml(home / "tiny.yaml")
    choice = CorrectionChoice(preset=str(home / "tiny.yaml"), relabel_after="2")
    inputs = Inputs(home, plan_corrections(Study.open(study.root), variants, choice, revision="abc"), variants)
    inputs.plan.write(home / "plan.json")
    variants.write(home / "variants.json")
    for job in inputs.plan.jobs:
        write_training(inputs, job)
        write_predictions(inputs, job)
    add_relabelled_source(inputs, "ann-polygon-3" if variants == NOISY else "ben")
    return inputs


def evaluate(inputs: Inputs, output: str = "evaluation") -> RelabelEvaluation:
    home = inputs.home
    return evaluate_relabelling.run(
        home / "study",
        InputFiles(plan=home / "plan.json", variants=home / "variants.json", sources=home / "sources.json"),
        sorted((home / "networks").iterdir()),
        predictions_folder=home / "predictions",
        failures=inputs.failures,
        output=home / output,
        store=str(home / "store"),
    )


def read_dice(inputs: Inputs, output: str = "evaluation") -> pd.DataFrame:
    table = pd.read_csv(inputs.home / output / "dice.csv", keep_default_na=False, dtype=str)
    for column in ("clean_dice", "noisy_dice"):
        table[column] = pd.to_numeric(table[column])
    return table


def find_unvalidated(inputs: Inputs) -> str:
    """A case that validates no training, so that the plan does not need its clean mask."""
    validating = {case_id for job in inputs.plan.jobs for case_id in job.validation_cases}
    return next(case_id for case_id in inputs.study.case_ids if case_id not in validating)


@pytest.fixture(scope="module")
def noisy(tmp_path_factory: pytest.TempPathFactory) -> tuple[Inputs, RelabelEvaluation]:
    inputs = make_inputs(tmp_path_factory.mktemp("noisy"), NOISY)
    return inputs, evaluate(inputs)


@pytest.fixture(scope="module")
def as_they_are(tmp_path_factory: pytest.TempPathFactory) -> tuple[Inputs, RelabelEvaluation]:
    inputs = make_inputs(tmp_path_factory.mktemp("as-they-are"), AS_THEY_ARE)
    return inputs, evaluate(inputs)


@pytest.fixture
def changed(noisy: tuple[Inputs, RelabelEvaluation], tmp_path: Path) -> Inputs:
    """A copy of all that was read, to be changed and evaluated anew."""
    shutil.copytree(noisy[0].home, tmp_path / "changed")
    return replace(noisy[0], home=tmp_path / "changed")


def test_every_held_out_case_is_compared_with_its_clean_and_its_noisy_mask(noisy):
    table = read_dice(noisy[0])
    assert tuple(table.columns) == DICE_COLUMNS
    expected = {
        ("", "clean", ""): (1.0, None),
        ("polygon-3", "none", ""): (2 * 4 / (4 + 6), 2 * 3 / (3 + 4)),
        ("polygon-3", "reweight", ""): (2 * 2 / (2 + 6), 2 * 2 / (2 + 3)),
        ("polygon-3", "relabel", "tta"): (2 * 5 / (5 + 6), 2 * 3 / (3 + 5)),
    }
    assert len(table) == 2 * 6 * len(expected)
    for training, (clean, against_noisy) in expected.items():
        rows = table[(table[["noise", "correction", "method"]] == training).all(axis=1)]
        assert sorted(zip(rows["case_id"], rows["repeat"], strict=True)) == [
            (case_id, repeat) for case_id in noisy[0].study.case_ids for repeat in "01"
        ]
        assert rows["clean_dice"].tolist() == pytest.approx([clean] * 12)
        if against_noisy is None:
            assert rows["noisy_dice"].isna().all()
        else:
            assert rows["noisy_dice"].tolist() == pytest.approx([against_noisy] * 12)
    assert (table["subject_id"] == table["case_id"].str.replace("case", "subject")).all()


def test_the_cells_hold_the_means_and_the_gain_by_each_correction(noisy):
    evaluation = noisy[1]
    assert evaluation.find_cell("", "clean").noisy is None
    without, relabelled = (evaluation.find_cell("polygon-3", *way) for way in (("none", ""), ("relabel", "tta")))
    assert (without.clean.estimate, without.noisy.estimate) == pytest.approx((4 / 5, 6 / 7))
    assert relabelled.gain.estimate == pytest.approx(10 / 11 - 4 / 5)
    assert evaluation.find_cell("polygon-3", "reweight").gain.estimate == pytest.approx(1 / 2 - 4 / 5)
    assert list_clean_dice(evaluation) == {
        "clean": 1.0,
        "polygon-3 none": 0.8,
        "polygon-3 reweight": 0.5,
        "polygon-3 relabel tta": 0.9091,
    }


def test_networks_have_learnt_by_what_they_reach_with_clean_labels_where_there_are_any(noisy, as_they_are):
    # 4 of 6 voxels without correction, which is what the masks of other subjects have too: nothing but a guess.
    assert noisy[1].skills["polygon-3"].own == pytest.approx(4 / 5)
    assert noisy[1].skills["polygon-3"].value == 0
    assert noisy[1].find_cell("polygon-3", "relabel", "tta").outcome == "learnt too little"
    # Of the labels that are learnt, where nothing is clean: 3 voxels.
    assert as_they_are[1].skills["as-given"].own == pytest.approx(6 / 7)


def test_the_preset_says_what_difference_matters(changed):
    matters = changed.plan.preset.matters.model_copy(update={"dice": 0.3})
    plan = changed.plan.model_copy(update={"preset": changed.plan.preset.model_copy(update={"matters": matters})})
    plan.write(changed.home / "plan.json")
    assert evaluate(changed, "again").matters == 0.3


def test_the_masks_with_which_networks_went_on_are_compared_with_the_clean_ones(noisy):
    inputs, _ = noisy
    table = read_relabelled_masks(inputs.home / "evaluation")
    assert tuple(table.columns) == LABEL_COLUMNS
    masks = table[table["labels"] == "training"]
    for job in inputs.find_jobs("relabel"):
        rows = masks[(masks["fold"] == job.fold) & (masks["repeat"] == job.repeat)].set_index("case_id")
        assert tuple(rows.index) == job.train_cases
        assert rows["before_dice"].tolist() == pytest.approx([BEFORE] * len(rows))
        assert rows["after_dice"].tolist() == pytest.approx([BEFORE] + [AFTER] * (len(rows) - 1))
        assert rows["changed_share"].tolist() == pytest.approx([float("inf")] + [1 / 3] * (len(rows) - 1))
        assert rows["is_kept"].tolist() == [True] + [False] * (len(rows) - 1)


def test_the_masks_of_the_new_source_are_compared_where_they_have_an_uncertainty(noisy):
    table = read_relabelled_masks(noisy[0].home / "evaluation")
    rows = table[table["labels"] == "source"].set_index("case_id")
    assert list(rows.index) == ["case01", "case02", "case03", "case04", "case05"]
    assert rows[["fold", "repeat"]].isna().all(axis=None)
    assert set(rows["noise"]) == {"polygon-3"}
    assert set(rows["method"]) == {"tta"}
    assert rows["before_dice"].tolist() == pytest.approx([BEFORE] * 5)
    assert rows["after_dice"].tolist() == pytest.approx([BEFORE] + [AFTER] * 4)
    assert rows["changed_share"].tolist() == [float("inf"), 0.25, 0.25, 0.25, 0.25]
    assert rows["is_kept"].tolist() == [True, False, False, False, False]


def test_the_repair_counts_each_case_once(noisy):
    source = noisy[1].find_repair("polygon-3", "tta", "source")
    assert (source.case_count, source.improved_count, source.worsened_count, source.kept_count) == (5, 4, 0, 1)
    assert source.gain.estimate == pytest.approx(4 / 5 * (AFTER - BEFORE))
    assert source.changed_share == pytest.approx(0.25)


def test_the_epochs_before_and_after_relabelling_are_told_apart(noisy):
    watched = next(training for training in noisy[1].watched if training.fold == 0)
    assert (watched.noise, watched.method, watched.rule) == ("polygon-3", "tta", "fixed")
    assert (watched.chosen_epoch, watched.threshold, watched.estimate_count) == (2, 0.125, 10)
    assert [epoch.epoch for epoch in watched.watched] == [1, 2, 3]
    assert [epoch.cumulative_uncertainty for epoch in watched.watched] == [90.0, 80.0, 70.0]
    (after,) = watched.continued
    assert (after.epoch, after.clean_dice, after.noisy_dice, after.cumulative_uncertainty) == (3, 0.3, 0.6, None)


def test_a_network_that_learnt_clean_labels_has_no_noisy_dice_in_its_epochs(noisy):
    plain = {(training.noise, training.correction): training for training in noisy[1].plain}
    assert set(plain) == {("", "clean"), ("polygon-3", "none"), ("polygon-3", "reweight")}
    assert [epoch.noisy_dice for epoch in plain["", "clean"].epochs] == [None, None, None]
    assert [epoch.noisy_dice for epoch in plain["polygon-3", "none"].epochs] == [0.2, 0.4, 0.6]


def test_a_case_without_a_clean_mask_has_empty_cells_and_counts_with_its_noisy_mask_alone(changed):
    missing = find_unvalidated(changed)
    changed.study.labels("ann").path(missing).unlink()
    shutil.rmtree(changed.home / "store")
    evaluation = evaluate(changed, "again")
    rows = read_dice(changed, "again").query("case_id == @missing and noise == 'polygon-3'")
    assert rows["clean_dice"].isna().all()
    assert rows["noisy_dice"].tolist() == pytest.approx([2 * 3 / 7, 2 * 2 / 5, 2 * 3 / 8] * 2)
    masks = read_relabelled_masks(changed.home / "again").query("case_id == @missing")
    assert len(masks) > 0
    assert masks[["before_dice", "after_dice"]].isna().all(axis=None)
    cell = evaluation.find_cell("polygon-3", "none")
    assert (cell.case_count, cell.clean_case_count) == (6, 5)


def test_a_case_that_no_training_of_its_kind_predicted_is_left_out(changed):
    failed = [job for job in changed.find_jobs("reweight") if job.fold == 1]
    for job in failed:
        shutil.rmtree(changed.home / "networks" / job.name)
        for case_id in job.test_cases:
            (changed.home / "predictions" / name_predictions(job) / f"{case_id}.png").unlink()
    failures = tuple(TrainingFailure(job=job, reason="InputError: a reason") for job in failed)
    evaluation = evaluate(replace(changed, failures=failures), "again")
    missing = [(one.noise, one.correction, one.method, one.fold, one.repeat) for one in evaluation.missing]
    assert missing == [("polygon-3", "reweight", "", 1, repeat) for repeat in (0, 1)]
    assert evaluation.missing[0].reason == "InputError: a reason"
    cell = evaluation.find_cell("polygon-3", "reweight")
    assert (cell.case_count, cell.gain.subject_count) == (3, 3)
    assert cell.gain.estimate == pytest.approx(1 / 2 - 4 / 5)
    assert evaluation.find_cell("polygon-3", "relabel", "tta").case_count == 6


def test_a_relabelling_that_failed_in_every_fold_is_a_cell_without_numbers(changed):
    failures = []
    for job in changed.find_jobs("relabel"):
        shutil.rmtree(changed.home / "networks" / job.name)
        failures.append(TrainingFailure(job=job, reason="TrainingError: not finite"))
    RelabelledSources(sources=(), revision="abc").write(changed.home / "sources.json")
    evaluation = evaluate(replace(changed, failures=tuple(failures)), "again")
    cell = evaluation.find_cell("polygon-3", "relabel", "tta")
    assert (cell.case_count, cell.clean, cell.noisy, cell.gain) == (0, None, None, None)
    assert (evaluation.repairs, evaluation.watched, len(evaluation.missing)) == ((), (), 4)
    assert read_relabelled_masks(changed.home / "again").empty


def test_without_clean_labels_only_the_noisy_masks_are_known(as_they_are):
    inputs, evaluation = as_they_are
    table = read_dice(inputs)
    assert set(table["noise"]) == {"as-given"}
    assert set(table["correction"]) == {"none", "relabel"}
    assert table["clean_dice"].isna().all()
    assert table.query("correction == 'none'")["noisy_dice"].tolist() == pytest.approx([6 / 7] * 12)
    masks = read_relabelled_masks(inputs.home / "evaluation")
    assert masks[["before_dice", "after_dice"]].isna().all(axis=None)
    assert {repair.gain for repair in evaluation.repairs} == {None}
    assert evaluation.clean_source == ""
    assert all(cell.clean is None and cell.gain is None for cell in evaluation.cells)
    assert list_clean_dice(evaluation) == {}


def test_without_clean_labels_the_curves_are_those_of_the_labels_that_are_learnt(as_they_are):
    (plain, *_) = as_they_are[1].plain
    assert [(epoch.clean_dice, epoch.noisy_dice) for epoch in plain.epochs] == [(None, 0.1), (None, 0.2), (None, 0.3)]


def test_an_evaluation_is_taken_from_the_store_until_a_prediction_changes(changed):
    for history in (changed.home / "networks").rglob(HISTORY_FILE):
        history.rename(history.with_suffix(".hidden"))
    again = evaluate(changed, "again")
    assert (changed.home / "again" / "dice.csv").read_bytes() == (changed.home / "evaluation" / "dice.csv").read_bytes()
    for history in (changed.home / "networks").rglob("history.hidden"):
        history.rename(history.with_name(HISTORY_FILE))
    job = changed.find_jobs("none")[0]
    path = changed.home / "predictions" / name_predictions(job) / f"{job.test_cases[0]}.png"
    write_mask(path, draw(6), None)
    fresh = evaluate(changed, "fresh").find_cell("polygon-3", "none").clean.estimate
    assert again.find_cell("polygon-3", "none").clean.estimate == pytest.approx(0.8)
    # The other repeat still has 0.8 there.
    assert fresh == pytest.approx((5 * 0.8 + 0.9) / 6)


def test_case_names_that_look_like_numbers_or_like_nothing_stay_text(tmp_path):
    names = ["007", "1e5", "NA"]
    rows = [("polygon-3", "tta", "source", None, None, name, name, None, 0.5, float("inf"), False) for name in names]
    pd.DataFrame(rows, columns=list(LABEL_COLUMNS)).to_csv(tmp_path / "labels.csv", index=False)
    table = read_relabelled_masks(tmp_path)
    assert table["case_id"].tolist() == names
    assert table["subject_id"].tolist() == names
    assert table["before_dice"].isna().all()
    assert table["changed_share"].tolist() == [float("inf")] * 3
