"""The words for every verdict, and for what became of a difference in load."""

import pytest
from report_builders import build_estimate, build_evaluation, build_pair, build_study

from overread.evaluation.results import Interval, LoadOrder
from overread.evaluation.skill import Skill
from overread.questions.rater_bias.page.load_wording import word_amplification
from overread.questions.rater_bias.page.wording import advise, count_raters_trainings, list_keys, word_answer
from overread.report.judgement import Advice
from overread.training.result import AddedLabels, TrainingJob
from tests.training_results import make_training_result

NO_BREAK = "\u00a0"


@pytest.fixture(scope="module")
def evaluation(tmp_path_factory):
    root = tmp_path_factory.mktemp("study") / "tiny"
    study = build_study(root, ("ann", "ben"), case_count=4, dimensions=2, target="lesion", kind="human")
    return build_evaluation(study, ("ann", "ben"))


def say(evaluation, *, noun="rater", advice=None):
    answer = word_answer(evaluation, advice=advice or Advice(), noun=noun)
    return answer.verdict, answer.sentence.replace(NO_BREAK, " ")


def test_a_yes_names_the_difference_and_its_interval(evaluation):
    assert say(evaluation) == (
        "yes",
        "Yes: the networks agree better with the rater that trained them than with the other rater, by 0.144 (95 % "
        "interval 0.112 to 0.176).",
    )


def test_what_cannot_be_told_says_what_the_study_would_have_found(evaluation):
    gap = build_estimate(0.01, -0.016, 0.036)
    mark, text = say(evaluation.model_copy(update={"dice_gap": gap, "verdict": "cannot tell"}))
    assert mark == "not-shown"
    assert text == (
        "Cannot tell: 0.010 (95 % interval −0.016 to 0.036). A study like this finds a difference of about 0.042 three "
        "times out of four."
    )


def test_a_difference_below_the_preset_s_limit_does_not_matter(evaluation):
    gap = build_estimate(0.005, 0.002, 0.008)
    changes = {"dice_gap": gap, "verdict": "no difference that matters"}
    mark, text = say(evaluation.model_copy(update=changes))
    assert mark == "no-difference"
    assert text.endswith("0.005 (95 % interval 0.002 to 0.008), below the 0.02 that this page calls a difference.")


def test_a_difference_below_zero_is_said_to_be_the_wrong_way_round(evaluation):
    gap = build_estimate(-0.05, -0.08, -0.02)
    mark, text = say(evaluation.model_copy(update={"dice_gap": gap, "verdict": "the wrong way round"}))
    assert mark == "reversed"
    assert "the networks agree less with the rater that trained them than with the other rater, −0.050" in text
    assert "look for noisy labels or interchanged files first" in text


def test_networks_that_learnt_too_little_come_before_any_difference(evaluation):
    skills = {"ann": Skill(own=0.301, guess=0.3, raters=0.9), "ben": Skill(own=0.8, guess=0.3, raters=0.9)}
    changed = evaluation.model_copy(update={"skills": skills, "verdict": "learnt too little"})
    mark, text = say(changed)
    assert mark == "no-answer"
    assert text.startswith("The networks learnt too little to show what a rater taught them: Dice 0.301 with ann")
    assert text.endswith("a mask that ignores the image gets 0.300, the raters agree at 0.900. No verdict.")
    assert "Difference" not in [key.title for key in list_keys(changed, 4, noun="rater")]
    assert "Difference" in [key.title for key in list_keys(evaluation, 4, noun="rater")]


def test_more_than_two_sources_are_in_the_plural_and_named_by_the_noun(evaluation):
    _, text = say(evaluation.model_copy(update={"raters": ("a", "b", "c")}), noun="source")
    assert "with the source that trained them than with the other sources" in text


def test_one_source_cannot_answer_the_question(evaluation):
    single = {"raters": ("ann",), "dice_gap": None, "cross_dice": None, "verdict": "cannot tell"}
    mark, text = say(evaluation.model_copy(update=single))
    assert mark == "no-answer"
    assert "only one rater, ann, was compared" in text
    assert "0.885 (0.861 to 0.902); subjects only" in text


def test_without_a_common_case_the_question_is_not_answered(evaluation):
    without = {"dice_gap": None, "cross_dice": None, "verdict": "cannot tell"}
    mark, text = say(evaluation.model_copy(update=without))
    assert mark == "no-answer"
    assert "no held-out case was outlined by two raters" in text


def make_result(source, seconds, added=None):
    job = TrainingJob(
        source=source,
        network="unet",
        fold=0,
        repeat=0,
        seed=0,
        train_cases=(),
        validation_cases=(),
        test_cases=(),
        added=added,
    )
    return make_training_result(job).model_copy(update={"duration_seconds": seconds})


def test_the_advice_tells_the_time_of_ten_trainings_of_each_label_set():
    """30, 50 and 40 s: a mean of 40 s, for three label sets."""
    mixed = make_result("ann", 40, AddedLabels(source="ben", ratio=0.5, cases=()))
    trainings = [make_result("ann", 30), make_result("ben", 50), mixed]
    advice = advise(trainings)
    assert (advice.trainings, advice.seconds) == ("10 trainings per rater", 10 * 3 * 40)
    assert advise([]).seconds is None
    assert count_raters_trainings(trainings, ("ann", "ben")) == 2


def test_a_study_that_was_trained_once_is_told_what_to_do(evaluation):
    gap = build_estimate(0.05, -0.1, 0.2, repeat_count=1)
    changed = evaluation.model_copy(update={"dice_gap": gap, "verdict": "cannot tell"})
    _, text = say(changed, advice=Advice(trainings="10 trainings per rater", seconds=1200))
    assert text.endswith("Run with folds=5 repeats=2 (10 trainings per rater, about 20 min one after the other).")


def build_amplified(effect, change=(0.25, 0.05, 0.45), networks=(0.75, 0.6, 0.9), raters=(0.5, 0.4, 0.6)):
    pair = build_pair("ann", "ben", 10)
    found = pair.load_differences.model_copy(
        update={
            "raters": Interval(**dict(zip(("estimate", "low", "high"), raters, strict=True))),
            "networks": build_estimate(*networks),
            "change": build_estimate(*change),
        }
    )
    return pair.model_copy(update={"load_differences": found, "effect": effect})


def say_loads(*pairs, noun="rater"):
    return word_amplification(pairs, matters=0.1, noun=noun).replace(NO_BREAK, " ")


def test_one_pair_is_told_with_its_counts_and_relative_differences():
    assert say_loads(build_amplified("amplified")) == (
        "ann measured less than ben in 9 of 10 cases; its network measured less than the other network in 10 of 10 "
        "cases. The raters' loads differ by 50 % (40 % to 60 %) of their mean, those of their networks by 75 % (60 % "
        "to 90 %) in the same direction. Training amplified the difference, by 25 % (5 % to 45 %). It may be less than "
        "10 %."
    )


def test_the_rater_that_measures_more_may_stand_first():
    pair = build_amplified("reversed", networks=(0.3, 0.1, 0.5), raters=(-0.5, -0.6, -0.4))
    orders = {
        "source_order": LoadOrder(below=1, equal=0, above=9),
        "network_order": LoadOrder(below=8, equal=0, above=2),
    }
    text = say_loads(pair.model_copy(update=orders))
    assert (
        "ann measured more than ben in 9 of 10 cases; its network measured more than the other network in 2 of" in text
    )
    assert "differ by 50 % (40 % to 60 %) of their mean, those of their networks by −30 % (−50 % to −10 %)" in text


@pytest.mark.parametrize(
    ("effect", "change", "ending"),
    [
        ("amplified", (0.3, 0.15, 0.45), "Training amplified the difference, by 30 % (15 % to 45 %)."),
        ("damped", (-0.3, -0.45, -0.15), "Training damped the difference, by 30 % (15 % to 45 %)."),
        (
            "passed on about as it was",
            (0.01, -0.05, 0.07),
            "about as it was: it changed by 1 % (−5 % to 7 %), less than the 10 % that this page calls a difference.",
        ),
        (
            "reversed",
            (-1.0, -1.5, -0.5),
            "in the opposite order to the raters: they did not take over this difference.",
        ),
        (
            "raters do not differ clearly",
            (0.3, 0.15, 0.45),
            "The raters' loads do not differ clearly, so there is nothing to amplify.",
        ),
        ("cannot tell", (-0.01, -0.37, 0.35), "cannot be told: it changed by −1 % (−37 % to 35 %)."),
        ("cannot tell", (0.3, float("nan"), float("nan")), "it changed by 30 % (no valid interval)."),
    ],
)
def test_every_way_in_which_loads_can_turn_out_has_its_words(effect, change, ending):
    assert say_loads(build_amplified(effect, change)).endswith(ending)


def test_networks_that_learnt_too_little_have_no_load_to_speak_of():
    assert say_loads(build_amplified("learnt too little")) == (
        "ann measured less than ben in 9 of 10 cases. The networks learnt too little to say what training made of this "
        "difference."
    )


def test_no_common_case_means_no_statement_about_loads():
    assert say_loads().startswith("Loads cannot be compared")


def test_many_pairs_are_counted_by_what_became_of_them():
    effects = ("amplified", "amplified", "reversed", "cannot tell", "raters do not differ clearly")
    assert say_loads(*map(build_amplified, effects)) == (
        "Over 5 pairs of raters, training amplified the difference in load in 2 and turned it round in 1; what it did "
        "cannot be told in 1 and the raters' loads do not differ clearly in 1."
    )


def test_many_pairs_without_an_effect_say_so():
    assert say_loads(*map(build_amplified, ("cannot tell", "learnt too little"))) == (
        "Over 2 pairs of raters no effect of training on the difference in load was shown: what it did cannot be told "
        "in 1 and the networks learnt too little in 1."
    )
