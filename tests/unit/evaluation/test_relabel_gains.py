"""Gains of `relabel` over no correction: their estimates from hand-made Dice, their outcomes, and how often they err.

Six subjects a to f have one case each. Without correction every D_clean is 0.5; relabelling adds 0.08 or 0.12.
"""

from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd
import pytest

from overread.errors import InputError
from overread.evaluation.design import PRIOR_RUN_STD, foresee
from overread.evaluation.estimate import SubjectScores
from overread.evaluation.results import Estimate
from overread.evaluation.significance import adjust_holm
from overread.evaluation.skill import Skill
from overread.questions.relabel.gains import Estimator, judge_gain, summarise_cells
from overread.questions.relabel.results import DICE_COLUMNS
from overread.questions.relabel.scores import CorrectionScores, index_dice
from pipelines.relabel import DESCRIPTION

SUBJECTS = tuple("abcdef")
CLEAN, NONE, REWEIGHT, RELABEL = WAYS = (
    ("", "clean", ""),
    ("polygon-3", "none", ""),
    ("polygon-3", "reweight", ""),
    ("polygon-3", "relabel", "tta"),
)
GAINS = np.array([0.08, 0.12] * 3)
SUBJECT_VARIANCE = 6 * 0.02**2 / 5 / 6
"""Of the mean: the gains deviate by 0.02 from 0.1."""
LEARNT, GUESSED = Skill(own=0.8, guess=0.2), Skill(own=0.3, guess=0.28)


def make_scores(runs, *, folds, failed=()):
    """Scores of one row per way, repeat and subject.

    Args:
        runs: by way of training, what each repeat adds to the D_clean of all subjects.
        folds: subjects are held out two and two, or all at once.
        failed: way, fold and repeat of trainings without predictions.
    """
    rows = []
    for way, added in runs.items():
        base = 0.5 + (GAINS if way[1] == "relabel" else np.zeros(6))
        for (repeat, extra), (place, subject) in product(enumerate(added), enumerate(SUBJECTS)):
            fold = place // 2 if folds == 3 else 0
            if (way, fold, repeat) not in failed:
                noisy = np.nan if way == CLEAN else 0.7 - base[place] / 2
                rows.append((*way, fold, repeat, subject, subject, base[place] + extra, noisy))
    return index_dice(pd.DataFrame(rows, columns=list(DICE_COLUMNS)), noises=("polygon-3",), methods=("tta",))


def summarise(scores, ways, *, folds, skill=LEARNT, matters=0.02):
    cells = summarise_cells(scores, ways, folds=folds, matters=matters, skills={"polygon-3": skill}, seed=0)
    return {cell.correction: cell for cell in cells}


def make_estimate(estimate, half, *, obstacle=""):
    bounds = {"low": estimate - half, "high": estimate + half, "standard_error": half / 2, "p_value": 0.01}
    if obstacle:
        bounds = {**dict.fromkeys(("low", "high", "standard_error"), np.nan), "p_value": None}
    return Estimate(
        estimate=estimate,
        **bounds,
        degrees_of_freedom=9.0,
        smallest_detectable=0.05,
        subject_count=12,
        fold_count=3,
        repeat_count=2,
        obstacle=obstacle,
    )


def test_with_folds_the_interval_of_a_gain_comes_from_its_own_repeats():
    # The gain of every fold is 0.11 and 0.09: variance 0.0002, one degree of freedom in each of three folds, which
    # do not differ. What clean networks do is no matter.
    scores = make_scores({CLEAN: (0.2, -0.2), NONE: (0, 0), RELABEL: (0.01, -0.01)}, folds=3)
    cell = summarise(scores, (CLEAN, NONE, RELABEL), folds=3)["relabel"]
    luck = 3 * (1 / 3) ** 2 * 0.0002 / 2
    assert cell.gain.estimate == pytest.approx(0.1)
    assert cell.gain.standard_error == pytest.approx((SUBJECT_VARIANCE + luck) ** 0.5)
    expected_df = (SUBJECT_VARIANCE + luck) ** 2 / (SUBJECT_VARIANCE**2 / 5 + luck**2 / 3)
    assert cell.gain.degrees_of_freedom == pytest.approx(expected_df)
    assert (cell.gain.fold_count, cell.gain.repeat_count, cell.outcome) == (3, 2, "gained")
    # D_noisy falls by half of what D_clean gains.
    assert cell.noisy_gain.estimate == pytest.approx(-0.05)
    # D_noisy 0.7 - 0.6 / 2, minus D_clean 0.6.
    assert cell.noisy_excess.estimate == pytest.approx(0.4 - 0.6)


def test_on_one_split_the_luck_of_a_training_is_measured_over_all_ways_of_training():
    runs = {CLEAN: (0.03, -0.03), NONE: (0, 0), REWEIGHT: (0.02, -0.02), RELABEL: (0.01, -0.01)}
    cell = summarise(make_scores(runs, folds=1), WAYS, folds=1)["relabel"]
    # Variances 0.0018, 0, 0.0008 and 0.0002 with one degree of freedom each; twice their mean for a difference.
    luck = 2 * 0.0007 / 2
    assert cell.gain.estimate == pytest.approx(0.1)
    assert cell.gain.standard_error == pytest.approx((SUBJECT_VARIANCE + luck) ** 0.5)
    expected_df = (SUBJECT_VARIANCE + luck) ** 2 / (SUBJECT_VARIANCE**2 / 5 + luck**2 / 4)
    assert cell.gain.degrees_of_freedom == pytest.approx(expected_df)


@pytest.mark.parametrize(("ways", "added"), [(WAYS, (0,)), ((NONE, REWEIGHT, RELABEL), (0.01, -0.01))])
def test_on_one_split_too_few_trainings_give_no_interval(ways, added):
    cell = summarise(make_scores(dict.fromkeys(ways, added), folds=1), ways, folds=1)["relabel"]
    assert (cell.gain.obstacle, cell.gain.p_value, cell.outcome) == ("few trainings", None, "cannot tell")
    assert cell.gain.estimate == pytest.approx(0.1)


def test_a_failed_training_takes_its_repeat_out_of_its_fold_alone():
    runs = {NONE: (0, 0), RELABEL: (0.01, -0.01)}
    gain = summarise(make_scores(runs, folds=3, failed=[(RELABEL, 1, 1)]), (NONE, RELABEL), folds=3)["relabel"].gain
    # Fold 1 has the gains of repeat 0 alone, 0.01 higher.
    assert gain.estimate == pytest.approx(0.1 + 0.01 / 3)
    assert (gain.subject_count, gain.repeat_count) == (6, 1)


def test_the_gains_of_a_run_are_judged_together():
    runs = {NONE: (0, 0), REWEIGHT: (0.03, -0.02), RELABEL: (0.05, -0.05)}
    cells = summarise(make_scores(runs, folds=3), (NONE, REWEIGHT, RELABEL), folds=3)
    found = [cells[name].gain.p_value for name in ("reweight", "relabel")]
    assert [cells[name].corrected_p for name in ("reweight", "relabel")] == adjust_holm(found)
    assert cells["relabel"].corrected_p == pytest.approx(2 * min(found))
    assert cells["none"].outcome is cells["none"].corrected_p is None


def test_networks_that_learnt_too_little_are_not_judged_and_do_not_count():
    scores = make_scores({NONE: (0, 0), RELABEL: (0.01, -0.01)}, folds=3)
    cell = summarise(scores, (NONE, RELABEL), folds=3, skill=GUESSED)["relabel"]
    assert (cell.outcome, cell.corrected_p) == ("learnt too little", None)


@pytest.mark.parametrize(
    ("estimate", "half", "corrected_p", "outcome"),
    [
        (0.1, 0.05, 0.02, "gained"),
        (0.1, 0.05, 0.06, "cannot tell"),
        (0.1, 0.15, 0.02, "cannot tell"),
        (-0.1, 0.05, 0.02, "lost"),
        (0.015, 0.004, 0.001, "no difference that matters"),
        (0.0, 0.0, 1.0, "no difference that matters"),
    ],
)
def test_an_outcome_needs_the_whole_interval_and_the_corrected_p(estimate, half, corrected_p, outcome):
    assert judge_gain(make_estimate(estimate, half), matters=0.02, corrected_p=corrected_p) == outcome


def test_what_matters_decides_between_a_gain_and_no_difference():
    assert judge_gain(make_estimate(0.015, 0.004), matters=0.01, corrected_p=0.01) == "gained"


def test_without_a_gain_or_an_interval_there_is_no_outcome_and_too_little_goes_before_everything():
    assert judge_gain(None, matters=0.02) == "unknown"
    assert judge_gain(make_estimate(0.1, 0.0, obstacle="few subjects"), matters=0.02) == "cannot tell"
    for gain in (None, make_estimate(0.1, 0.05)):
        assert judge_gain(gain, matters=0.02, has_learnt=False) == "learnt too little"


def test_a_case_that_two_folds_hold_out_is_refused():
    rows = [(*NONE, fold, repeat, "a", "a", 0.5, 0.5) for fold, repeat in ((0, 0), (1, 1))]
    with pytest.raises(InputError, match="a case must be held out in one fold"):
        index_dice(pd.DataFrame(rows, columns=list(DICE_COLUMNS)), noises=("polygon-3",), methods=("tta",))


@dataclass(frozen=True, eq=False)
class Simulated(CorrectionScores):
    """D_clean that is drawn by way of training; a row is a subject."""

    frames: dict

    def read(self, training, measure):
        return self.frames[training] if measure == "clean_dice" else pd.DataFrame()

    def gather(self, wide):
        return None if wide.empty else SubjectScores(wide.to_numpy(), np.array(list(self.fold_of.values())))


def draw_study(rng, *, subjects, folds, repeats, run_std):
    """No way of training is better than another; subjects differ, and trainings do by fold and repeat."""
    fold_of = np.arange(subjects) % folds
    easy = rng.normal(0.6, 0.1, (subjects, 1))
    frames = {
        way: pd.DataFrame(easy + rng.normal(0, 0.03, (subjects, 1)) + rng.normal(0, run_std, (folds, repeats))[fold_of])
        for way in WAYS
    }
    return Simulated(pd.DataFrame(), {}, dict(enumerate(fold_of.tolist())), frames)


_STUDIES = 600


@pytest.mark.parametrize("folds", [3, 1])
def test_an_interval_excludes_a_gain_of_zero_about_as_seldom_as_it_says(folds):
    rng = np.random.default_rng(folds)
    false = 0
    for _ in range(_STUDIES):
        study = draw_study(rng, subjects=18, folds=folds, repeats=2, run_std=0.015)
        false += Estimator.measure(study, WAYS, folds).compare(RELABEL, "clean_dice").excludes_zero
    assert 0 < false / _STUDIES <= 0.07


def test_the_run_form_says_what_such_a_study_finds():
    # A gain is a difference of two trainings, each with the luck of one.
    luck = 2**0.5 * PRIOR_RUN_STD
    found = [foresee(count, folds=3, repeats=2, run_std=luck).smallest_detectable for count in (8, 18, 35)]
    assert [round(value, 2) for value in found] == [0.06, 0.04, 0.04]
    assert "about 0.06 with 8 held-out subjects, 0.04 with 18 or 35, three times out of four" in DESCRIPTION
