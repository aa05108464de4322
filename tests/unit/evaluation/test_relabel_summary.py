import math

import numpy as np
import pandas as pd
import pytest

from overread.errors import InputError
from overread.evaluation.skill import Skill
from overread.questions.relabel.evaluation import (
    RelabelDesign,
    choose_repair,
    collect_metrics,
    find_outcome,
    summarise_relabelling,
    tell_verdict,
)
from overread.questions.relabel.results import (
    DICE_COLUMNS,
    LABEL_COLUMNS,
    MissingCorrection,
    NoisyLabels,
    PlainTraining,
    RelabelEvaluation,
    WatchedTraining,
)

CASES = ("a-1", "b-1", "c-1")
NONE, REWEIGHT, RELABEL = ("polygon-3", "none", ""), ("polygon-3", "reweight", ""), ("polygon-3", "relabel", "tta")
CLEAN = ("", "clean", "")
WITHOUT = [(0.60, 0.70), (0.50, 0.65), (0.70, 0.75)]
RELABELLED = [(0.70, 0.60), (0.70, 0.60), (1.00, 0.60)]


@pytest.fixture
def study(make_study):
    return make_study({"truth": dict.fromkeys(CASES, 3)}, CASES)


def make_dice(scores, cases=CASES, repeat=0):
    """D_clean and D_noisy of each case per way of training, every subject a fold of its own; None is no row."""
    subjects = sorted({case_id.split("-")[0] for case_id in cases})
    rows = [
        (*training, subjects.index(subject), repeat, case_id, subject, *pair)
        for training, pairs in scores.items()
        for case_id, pair in zip(cases, pairs, strict=True)
        if pair is not None and (subject := case_id.split("-")[0])
    ]
    return pd.DataFrame(rows, columns=list(DICE_COLUMNS))


def make_masks(*rows, repeat=0):
    """Rows of labels, fold, case, Dice before and after, changed share, and whether the mask was left alone."""
    listed = [
        ("polygon-3", "tta", kind, fold, None if fold is None else repeat, case_id, case_id.split("-")[0], *rest)
        for kind, fold, case_id, *rest in rows
    ]
    return pd.DataFrame(listed, columns=list(LABEL_COLUMNS))


def make_design(*, noises=("polygon-3",), methods=("tta",), clean_source="truth", **rest):
    listed = tuple(NoisyLabels(name=noise, source=f"truth-{noise}") for noise in noises)
    return RelabelDesign("truth", clean_source, listed, methods, **{"folds": 3, "repeats": 1, **rest})


def evaluate(study, scores, masks=None, *, skills=None, **design):
    labels = make_masks() if masks is None else masks
    return summarise_relabelling(
        make_dice(scores), labels, study=study, design=make_design(**design), skills=skills or {}
    )


def make_watched(method="tta", fold=0, training=60.0, uncertainty=30.0, estimates=10, repeat=0):
    return WatchedTraining(
        noise="polygon-3",
        method=method,
        fold=fold,
        repeat=repeat,
        rule="uncertainty",
        chosen_epoch=2,
        threshold=0.1,
        change="δ 0.100",
        clean_label_count=0,
        remark="",
        watched=(),
        continued=(),
        training_seconds=training,
        uncertainty_seconds=uncertainty,
        estimate_count=estimates,
    )


def make_plain(correction="none", fold=0, seconds=40.0, repeat=0):
    noise, place = "" if correction == "clean" else "polygon-3", {"fold": fold, "repeat": repeat}
    return PlainTraining(noise=noise, correction=correction, training_seconds=seconds, epochs=(), **place)


def lose(correction="relabel", method="tta", fold=0):
    place = {"fold": fold, "repeat": 0}
    return MissingCorrection(noise="polygon-3", correction=correction, method=method, reason="out of memory", **place)


def test_cells_hold_the_means_with_clean_and_with_noisy_masks(study):
    cell = evaluate(study, {NONE: WITHOUT}).find_cell(*NONE)
    assert cell.clean.estimate == pytest.approx(0.6)
    assert cell.noisy.estimate == pytest.approx(0.7)
    # Excess 0.10 0.15 0.05; D_clean 0.6 0.5 0.7 deviates by 0 0.1 0.1, so the deviation is √(0.02 / 2).
    assert cell.noisy_excess.estimate == pytest.approx(0.1)
    assert cell.clean_std == pytest.approx(0.1)
    assert (cell.case_count, cell.clean_case_count) == (3, 3)
    assert (cell.gain, cell.corrected_p, cell.outcome, cell.noisy_gain) == (None, None, None, None)


def test_gains_are_paired_with_the_network_without_correction(study):
    cell = evaluate(study, {NONE: WITHOUT, RELABEL: RELABELLED}).find_cell(*RELABEL)
    # Gains 0.1 0.2 0.3 and -0.1 -0.05 -0.15, of too few subjects for an interval.
    assert cell.gain.estimate == pytest.approx(0.2)
    assert cell.noisy_gain.estimate == pytest.approx(-0.1)
    assert (cell.gain.obstacle, cell.gain.subject_count, cell.outcome) == ("few subjects", 3, "cannot tell")


def test_gains_keep_to_the_cases_that_both_networks_predicted(study):
    evaluation = evaluate(study, {NONE: [WITHOUT[0], None, WITHOUT[2]], RELABEL: [*RELABELLED[:2], None]})
    cell = evaluation.find_cell(*RELABEL)
    assert cell.gain.estimate == pytest.approx(0.1)
    assert (cell.case_count, cell.gain.subject_count) == (2, 1)


def test_a_subject_with_several_cases_is_drawn_with_all_of_them(make_study):
    cases = ("a-1", "a-2", "b-1")
    study = make_study({"truth": dict.fromkeys(cases, 3)}, cases)
    dice = make_dice({NONE: [(0.5, 0.5), (0.7, 0.7), (0.9, 0.9)]}, cases)
    cell = summarise_relabelling(dice, make_masks(), study=study, design=make_design(), skills={}).find_cell(*NONE)
    # Each subject counts once: a draw holds only a, only b, or both, with means 0.6, 0.9 and 0.75.
    assert (cell.clean.low, cell.clean.estimate, cell.clean.high) == pytest.approx((0.6, 0.75, 0.9))


def test_cells_stand_in_order_and_only_for_what_was_tried(study):
    scores = {RELABEL: RELABELLED, NONE: WITHOUT, CLEAN: [(0.9, np.nan)] * 3}
    assert [(c.noise, c.correction, c.method) for c in evaluate(study, scores).cells] == [CLEAN, NONE, RELABEL]
    scores |= {("polygon-3", "relabel", "ensemble"): RELABELLED, REWEIGHT: WITHOUT, ("polygon-7", "none", ""): WITHOUT}
    evaluation = evaluate(study, scores, noises=("polygon-7", "polygon-3"), methods=("ensemble", "tta"))
    assert [(c.noise, c.correction, c.method) for c in evaluation.cells] == [
        CLEAN,
        ("polygon-7", "none", ""),
        NONE,
        REWEIGHT,
        ("polygon-3", "relabel", "ensemble"),
        RELABEL,
    ]


def test_the_network_that_learnt_clean_labels_has_no_noisy_dice_and_no_gain(study):
    cell = evaluate(study, {CLEAN: [(0.9, np.nan), (0.8, np.nan), (0.7, np.nan)]}).find_cell(*CLEAN)
    assert cell.clean.estimate == pytest.approx(0.8)
    assert (cell.noisy, cell.noisy_excess, cell.gain, cell.case_count) == (None, None, None, 3)


def test_without_clean_labels_only_noisy_dice_is_known(study):
    scores = {NONE: [(None, 0.7)] * 3, RELABEL: [(None, 0.6)] * 3}
    masks = make_masks(("source", None, "a-1", None, None, 0.2, False), ("source", None, "b-1", None, None, 0.4, False))
    evaluation = evaluate(study, scores, masks, clean_source="")
    cell, repair = evaluation.find_cell(*RELABEL), choose_repair(evaluation, "polygon-3")
    assert (cell.clean, cell.clean_std, cell.gain, cell.clean_case_count, cell.case_count) == (None, None, None, 0, 3)
    assert cell.noisy.estimate == pytest.approx(0.6)
    assert (repair.before, repair.after, repair.gain) == (None, None, None)
    assert repair.changed_share == pytest.approx(0.3)
    assert (repair.case_count, repair.clean_case_count) == (2, 0)
    assert cell.noisy_gain.estimate == pytest.approx(-0.1)
    assert find_outcome(evaluation, "polygon-3") == tell_verdict(evaluation) == "unknown"


def test_a_training_that_failed_has_a_cell_without_numbers(study):
    evaluation = evaluate(study, {NONE: WITHOUT}, missing=(lose(),))
    cell = evaluation.find_cell(*RELABEL)
    assert (cell.clean, cell.noisy, cell.gain, cell.outcome, cell.case_count) == (None, None, None, "unknown", 0)
    assert evaluation.find_cell(*REWEIGHT) is None
    assert evaluation.repairs == ()
    assert choose_repair(evaluation, "polygon-3") is None


def test_repairs_compare_the_same_cases_before_and_after(study):
    masks = make_masks(
        ("source", None, "a-1", 0.5, 0.7, 0.3, False),
        ("source", None, "b-1", 0.6, 0.5, 0.1, False),
        ("source", None, "c-1", 0.7, 0.7, 0.8, True),
    )
    repair = evaluate(study, {NONE: WITHOUT}, masks).find_repair("polygon-3", "tta", "source")
    assert repair.before.estimate == pytest.approx(0.6)
    assert repair.after.estimate == pytest.approx(1.9 / 3)
    assert repair.gain.estimate == pytest.approx(0.1 / 3)
    assert (repair.improved_count, repair.worsened_count, repair.kept_count, repair.case_count) == (1, 1, 1, 3)
    # Of the two masks that were not left alone.
    assert repair.changed_share == pytest.approx(0.2)
    # Gains 0.2 -0.1 0: drawing b alone loses, drawing a alone gains.
    assert not repair.gain.excludes_zero


def test_a_case_that_several_trainings_relabelled_counts_with_its_means(study):
    masks = make_masks(("training", 0, "a-1", 0.5, 0.7, 0.2, False), ("training", 0, "b-1", 0.5, 0.6, 0.1, False))
    again = make_masks(
        ("training", 0, "a-1", 0.5, 0.9, 0.4, False), ("training", 0, "b-1", 0.5, 0.5, 0.9, True), repeat=1
    )
    masks = pd.concat([masks, again], ignore_index=True)
    repair = evaluate(study, {NONE: WITHOUT}, masks).find_repair("polygon-3", "tta", "training")
    # Gains (0.2 + 0.4) / 2 and (0.1 + 0) / 2; shares 0.3 and 0.1.
    assert repair.gain.estimate == pytest.approx(0.175)
    assert repair.changed_share == pytest.approx(0.2)
    assert (repair.case_count, repair.improved_count, repair.kept_count) == (2, 2, 1)


def test_the_new_source_stands_for_the_labels_and_training_masks_where_there_is_none(study):
    training = ("training", 0, "a-1", 0.5, 0.7, 0.2, False)
    new = ("source", None, "a-1", 0.5, 0.8, 0.2, False)
    assert choose_repair(evaluate(study, {NONE: WITHOUT}, make_masks(training)), "polygon-3").labels == "training"
    assert choose_repair(evaluate(study, {NONE: WITHOUT}, make_masks(training, new)), "polygon-3").labels == "source"


def test_an_empty_mask_has_no_share_of_its_voxels(study):
    masks = make_masks(
        ("source", None, "a-1", 1.0, 1.0, math.inf, True), ("source", None, "b-1", 0.0, 0.4, math.inf, False)
    )
    repair = evaluate(study, {NONE: WITHOUT}, masks).find_repair("polygon-3", "tta", "source")
    assert repair.changed_share is None
    assert repair.gain.estimate == pytest.approx(0.2)


def test_costs_are_ratios_to_the_training_without_correction_of_the_same_fold_and_repeat(study):
    watched = (make_watched(), make_watched(fold=1, repeat=1, training=40.0, uncertainty=0.0, estimates=5))
    plain = (make_plain(), make_plain(fold=1, repeat=1, seconds=20.0), make_plain("reweight", seconds=1.0))
    plain = (*plain, make_plain(fold=1, seconds=1.0))
    scores = {NONE: WITHOUT}
    tta, ensemble = evaluate(study, scores, watched=watched, plain=plain, methods=("tta", "ensemble")).costs
    # 30 s for 15 maps; 60 / 40 and 40 / 20; 90 / 40 and 40 / 20.
    assert tta.seconds_per_estimate == pytest.approx(2.0)
    assert tta.training_ratio == pytest.approx(1.75)
    assert tta.total_ratio == pytest.approx(2.125)
    assert (ensemble.seconds_per_estimate, ensemble.training_ratio, ensemble.total_ratio) == (None, None, None)
    (alone,) = evaluate(study, scores, watched=watched).costs
    assert (alone.seconds_per_estimate, alone.training_ratio) == (pytest.approx(2.0), None)


def test_metrics_are_few_and_of_the_first_noise_and_method(study):
    masks = make_masks(("source", None, "a-1", 0.5, 0.7, 0.2, False), ("source", None, "b-1", 0.6, 0.9, 0.4, False))
    scores = {CLEAN: [(0.9, np.nan)] * 3, NONE: WITHOUT, REWEIGHT: WITHOUT, RELABEL: RELABELLED}
    scores[("polygon-7", "relabel", "tta")] = [(0.1, 0.1)] * 3
    skills = {"polygon-3": Skill(own=0.6, guess=0.2), "polygon-7": Skill(own=0.1, guess=0.1)}
    metrics = collect_metrics(evaluate(study, scores, masks, skills=skills, noises=("polygon-3", "polygon-7")))
    assert len(metrics) == 14
    assert metrics["label_gain"] == pytest.approx(0.25)
    assert metrics["skill"] == pytest.approx(0.5)
    assert metrics["label_dice_after"] == pytest.approx(0.8)
    assert metrics["network_gain"] == pytest.approx(0.2)
    assert metrics["noisy_gain"] == pytest.approx(-0.1)
    assert metrics["clean_dice_relabel"] == pytest.approx(0.8)
    assert metrics["noisy_dice_none"] == pytest.approx(0.7)
    assert metrics["clean_dice_clean"] == pytest.approx(0.9)
    assert metrics["changed_share"] == pytest.approx(0.3)


def test_metrics_leave_out_what_is_not_known(study):
    metrics = collect_metrics(evaluate(study, {NONE: [(None, 0.7)] * 3}, clean_source=""))
    assert metrics == {"noisy_dice_none": pytest.approx(0.7)}


def test_an_evaluation_is_the_same_after_it_was_written_and_read(study):
    evaluation = evaluate(study, {NONE: [WITHOUT[0], None, None]}, watched=(make_watched(),), plain=(make_plain(),))
    read = RelabelEvaluation.model_validate_json(evaluation.model_dump_json())
    assert read.model_dump_json() == evaluation.model_dump_json()
    assert math.isnan(read.find_cell(*NONE).clean.low)
    assert read.case_ids == CASES


def test_tables_that_were_written_and_read_give_the_same_evaluation(study, tmp_path):
    masks = make_masks(("training", 0, "a-1", 0.5, 0.7, 0.2, False), ("source", None, "a-1", 1.0, 1.0, math.inf, True))
    dice = make_dice({NONE: WITHOUT, RELABEL: RELABELLED})
    dice.to_csv(tmp_path / "dice.csv", index=False)
    masks.to_csv(tmp_path / "labels.csv", index=False)
    again = pd.read_csv(tmp_path / "dice.csv").fillna({"noise": "", "method": ""})
    labels = pd.read_csv(tmp_path / "labels.csv")
    first, second = (
        summarise_relabelling(*tables, study=study, design=make_design(), skills={})
        for tables in ((dice, masks), (again, labels))
    )
    assert first.model_dump_json() == second.model_dump_json()


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"noise": "polygon-9"}, "each noise must be one of the evaluation"),
        ({"correction": "magic"}, "each correction must be one of the evaluation"),
        ({"method": "tta"}, "each method must be one of the evaluation"),
        ({"method": None}, "read empty cells as empty text"),
        ({"clean_dice": 1.2}, "each Dice must lie in"),
        ({"case_id": "a-1", "subject_id": "a"}, "each row must be there once"),
        ({"correction": "relabel"}, "each method must be one of the evaluation"),
        ({"correction": "clean"}, "each noise must be one of the evaluation"),
    ],
)
def test_a_table_of_dice_that_does_not_fit_is_refused(study, change, match):
    dice = make_dice({NONE: WITHOUT}).assign(**change)
    with pytest.raises(InputError, match=match):
        summarise_relabelling(dice, make_masks(), study=study, design=make_design(), skills={})


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"labels": "other"}, "each labels must be one of the evaluation"),
        ({"changed_share": -0.1}, "a changed share must be 0 or more"),
        ({"changed_share": math.nan}, "a changed share must be 0 or more"),
        ({"is_kept": "perhaps"}, "is_kept must be True or False"),
        ({"after_dice": -0.5}, "each Dice must lie in"),
    ],
)
def test_a_table_of_masks_that_does_not_fit_is_refused(study, change, match):
    masks = make_masks(("source", None, "a-1", 0.5, 0.7, 0.2, False)).assign(**change)
    with pytest.raises(InputError, match=match):
        evaluate(study, {NONE: WITHOUT}, masks)


def test_a_missing_column_and_a_subject_that_differs_are_named(study):
    dice = make_dice({NONE: WITHOUT, RELABEL: RELABELLED})
    with pytest.raises(InputError, match="none named noisy_dice"):
        summarise_relabelling(
            dice.drop(columns="noisy_dice"), make_masks(), study=study, design=make_design(), skills={}
        )
    dice.loc[0, "subject_id"] = "z"
    with pytest.raises(InputError, match="a case must belong to one subject"):
        summarise_relabelling(dice, make_masks(), study=study, design=make_design(), skills={})


def test_a_design_that_does_not_fit_is_refused(study):
    with pytest.raises(InputError, match=r"none, and 1 failed trainings.*out of memory"):
        evaluate(study, {}, missing=(lose(),))
    with pytest.raises(InputError, match="there must be noises, all different"):
        evaluate(study, {NONE: WITHOUT}, noises=("polygon-3", "polygon-3"))
    with pytest.raises(InputError, match="there must be methods"):
        evaluate(study, {NONE: WITHOUT}, methods=())
    with pytest.raises(InputError, match="polygon-3 and relabel and ensemble"):
        evaluate(study, {NONE: WITHOUT}, missing=(lose(method="ensemble"),))
