import re

import pytest
from pages import Page, check_page
from relabel_builders import NOISES, build_relabel_inputs

from overread.errors import InputError
from overread.evaluation.skill import Skill
from overread.questions.relabel.page.tables import list_pairs
from overread.questions.relabel.page.trainings import find_best_epoch, sum_up_trainings
from overread.questions.relabel.results import MissingCorrection
from overread.questions.relabel.steps.summary import describe_relabelling
from overread.report.judgement import LUCK, LUCK_OF_ONE_SPLIT


def lose(correction="relabel", method="tta", fold=0, noise="polygon-3", reason="out of memory", repeat=0):
    place = {"fold": fold, "repeat": repeat}
    return MissingCorrection(noise=noise, correction=correction, method=method, reason=reason, **place)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    return build_relabel_inputs(tmp_path_factory.mktemp("inputs"))


@pytest.fixture(scope="module")
def html(inputs, tmp_path_factory):
    return inputs.write(tmp_path_factory.mktemp("page") / "new" / "report.html")


@pytest.fixture(scope="module")
def page(html):
    return Page(html)


@pytest.fixture(scope="module")
def unclean(tmp_path_factory):
    """Labels as given, nothing clean, one way of estimating uncertainty."""
    return build_relabel_inputs(
        tmp_path_factory.mktemp("unclean"),
        clean_source="",
        corrections=("none", "relabel"),
        noises=("as-given",),
        methods=("tta",),
    )


def test_the_page_is_sound_and_asks_its_question(page):
    check_page(page)
    assert "Do networks gain by relabelling noisy labels?" in page.text


def test_the_answer_stands_before_everything_else(page):
    answer = page.text.split("Does the network follow the clean or the noisy labels?")[0]
    assert "Relabelling made networks better: the numbers of each kind of labels follow." in answer
    for noise in NOISES:
        assert f"{noise}. Yes: networks agree better with clean labels after relabelling" in answer
    assert re.search(r"Held-out Dice, relabelling minus no correction ?0\.100 ?0\.069 to 0\.131", answer)
    # Gains 0.06 to 0.14 by steps of 0.016, of six subjects: S² = 0.000896, no fold or repeat differs more, t with 5 df.
    detectable = (0.000896 / 6) ** 0.5 * (2.5706 + 1.4759)
    assert re.search(rf"Smallest detectable difference ?{detectable:.3f}", answer)
    assert re.search(r"Held-out subjects ?6 Trainings ?48 ?3 folds × 2 repeats", answer)
    assert LUCK in answer


def test_the_table_has_a_row_per_correction_with_clean_and_noisy_dice(page):
    assert re.search(r"Clean labels D clean ?alone 0\.900 0\.8\d\d to 0\.9\d\d n = 6", page.text)
    assert re.search(r"No correction 0\.700 / 0\.750 clean 0\.\d+ to 0\.\d+ noisy 0\.\d+ to 0\.\d+ n = 6", page.text)
    # Reweighting follows no correction case by case, so that its gain is 0.06 in each.
    assert "gain 0.060 (0.060 to 0.060) gained n = 6" in page.text
    row = re.search(r"Relabelling test-time augmentation (.*?) Darker", page.text).group(1)
    assert re.fullmatch(
        r"(0\.800 / 0\.710 clean \S+ to \S+ noisy \S+ to \S+ gain 0\.100 \(0\.069 to 0\.131\) gained n = 6 ?){2}", row
    )


def test_the_papers_table_is_there_for_comparison(page, html):
    assert "Relabelling 0.794 / 0.493 0.805 / 0.797 0.815 / 0.804" in page.text
    assert "Reweighting 0.846 / 0.621 0.872 / 0.859 0.872 / 0.861" in page.text
    assert "<details open>" not in html


def test_the_papers_table_is_open_for_its_preset(unclean, tmp_path):
    context, unclean.context = unclean.context, unclean.context.model_copy(update={"preset": "redekop2021"})
    html = unclean.write(tmp_path / "report.html")
    unclean.context = context
    assert html.count("<details open>") == 1


def test_there_is_a_curve_per_noise_and_one_for_each_further_method(page):
    curves = [image["alt"] for image in page.images if "relabelled after epoch" in image["alt"]]
    assert [alt.split(".")[0] for alt in curves] == [
        "polygon-3, test-time augmentation",
        "polygon-7, test-time augmentation",
        "polygon-3, MC dropout",
    ]
    assert "Curves of the other ways of estimating uncertainty" in page.text


def test_chosen_epochs_stand_beside_the_best_with_clean_labels(page):
    assert "polygon-3 MC dropout 1 0 uncertainty 3 3 5 δ 0.122 0 2" in page.text


def test_labels_are_told_before_and_after_with_what_was_left_alone(page):
    # After relabelling 0.70 to 0.732, but 0.60 in the case that was left alone: mean 0.6967.
    row = r"polygon-3 test-time augmentation new source 0\.600 0\.697 0\.097 \(.{14,20}\) 6 5 / 0 10 % 1"
    assert re.search(row, page.text)
    assert (
        "truth-polygon-7-relabelled-tta truth-polygon-7 test-time augmentation δ 0.117 1 : c05 666666666666"
        in page.text
    )
    figures = [image["alt"] for image in page.images if "5 better, 0 worse, 1 unchanged" in image["alt"]]
    assert [alt.split(".")[0] for alt in figures] == list(NOISES)


@pytest.mark.parametrize(
    ("rule", "told", "untold"),
    [
        ("paper", "turned into its opposite where its uncertainty exceeds a threshold δ, and kept", "Labels grow"),
        ("contradicted", "exceeds a threshold δ and the mean prediction contradicts it, and kept", "Labels grow"),
        ("edge", "lie on the steepest parts of the images", "exceeds a threshold"),
        ("clean", "best mean Dice on the cases whose clean labels may be looked at", "exceeds a threshold"),
    ],
)
def test_methods_tell_of_the_rule_that_was_used(unclean, tmp_path, monkeypatch, rule, told, untold):
    monkeypatch.setattr(unclean, "evaluation", unclean.evaluation.model_copy(update={"rule": rule}))
    methods = " ".join(
        Page(unclean.write(tmp_path / "report.html")).text.split("Methods in plain language")[-1].split()
    )
    assert told in methods
    assert untold not in methods
    assert f"rule for what changes ({rule})" in methods


def test_cases_are_shown_by_a_rule_with_their_label_dice(page):
    # After relabelling 0.70 to 0.732, but the last case was left alone.
    headings = re.findall(r"Case (c\d\d): (\w+) gain of label Dice", page.text)
    assert headings == [("c04", "largest"), ("c01", "median"), ("c05", "least")]
    shown = [image["alt"] for image in page.images if image["alt"].startswith("Case c04")]
    assert shown[0] == (
        "Case c04, polygon-3. Pixels covered in this view: the clean mask 36, the noisy mask 81, the relabelled mask "
        "49. Relabelling changed 32 pixels of it."
    )
    assert "the noisy mask 100" in shown[1]
    assert "label Dice 0.600, relabelled 0.732" in page.text
    assert "left alone, for too much would have changed" in page.text


def test_ways_of_estimating_uncertainty_are_compared_with_their_cost(page):
    # 30 s for 120 maps; 60 s and 90 s against 40 s.
    gain = r"0\.100 \(0\.069 to 0\.131\) gained"
    row = (
        rf"MC dropout 0\.800 / 0\.710 {gain} 0\.697 3, 3, 3, 3, 3, 3 δ 0\.112; δ 0\.122; δ 0\.132 0\.25 1\.5 × / 2\.2 ×"
    )
    assert re.search(row, page.text)
    assert "overlapping intervals, and equal outcomes, do not prove them equal" in page.text


def test_methods_tell_of_reweighting_and_of_what_the_networks_have_learnt(page):
    assert "so reweighting is given more" in page.text
    assert "no better epoch is picked" in page.text
    # Own 0.7, a guess 0.3.
    assert "polygon-3: 0.57 (Dice 0.700, such a mask 0.300)" in page.text
    assert "the whole interval lies within ±0.02" in page.text
    assert "each kind was trained 2 times per fold" in page.text
    assert "trained once per fold" not in page.text
    assert "There are only 6 subjects." in page.text


def test_what_was_trained_is_summed_up(page, inputs):
    assert "Relabelling (test-time augmentation), polygon-3 6 5 6 min 3 min" in page.text
    groups = sum_up_trainings(inputs.evaluation)
    assert [(group.count, group.missing_count, group.epochs) for group in groups] == [(6, 0, (5, 5))] * len(groups)


def test_equal_inputs_give_equal_bytes(inputs, html, tmp_path):
    assert inputs.write(tmp_path / "again.html") == html


def test_without_clean_labels_the_page_shows_what_it_can(unclean, tmp_path):
    page = Page(unclean.write(tmp_path / "report.html"))
    assert page.mismatches == []
    assert "– / 0.750" in page.text
    assert "No clean labels were named" in page.text
    assert "Reweighting was not tried; it needs clean labels of some cases." in page.text
    assert "reweighting is given more" not in page.text
    assert "Case c05: largest share of voxels that would change" in page.text
    assert "clean outline" not in page.text
    assert "One way was tried" in page.text
    assert "the labels as given test-time augmentation new source – – – 6 – 10 % 1" in page.text


def test_failed_trainings_are_shown_with_their_reason(tmp_path):
    places = [{"fold": fold, "repeat": repeat} for repeat in range(2) for fold in range(3)]
    missing = [lose(reason="the loss is not <finite>"), *(lose(**place) for place in places[1:])]
    missing += [lose("none", "", 1, "polygon-7", repeat=repeat) for repeat in range(2)]
    inputs = build_relabel_inputs(tmp_path, missing=missing, methods=("tta",))
    page = Page(inputs.write(tmp_path / "report.html"))
    assert "8 trainings of 42 failed and are left out" in page.text
    assert "missing the loss is not <finite> out of memory" in page.text
    assert "Relabelling (test-time augmentation), polygon-3 0 0 the loss is not <finite>" in page.text
    # The cases of two of three folds.
    pairs = dict(list_pairs(inputs.evaluation))
    assert pairs["none"][1].notes[-1] == "n\u00a0=\u00a04"
    assert "polygon-3 not in the new source" in page.text
    assert "for polygon-7 and test-time augmentation, the first, the middle and the last case" in page.text
    assert find_best_epoch(inputs.evaluation, inputs.evaluation.watched[1]) is None


def test_a_single_subject_gives_no_interval_and_no_verdict(tmp_path):
    page = Page(build_relabel_inputs(tmp_path, case_count=1, methods=("tta",)).write(tmp_path / "report.html"))
    assert "Cannot tell: fewer than 6 subjects were held out" in page.text
    assert "0.140 (no valid interval)" in page.text
    assert "nan" not in re.split(r"\W+", page.text.lower())


def test_volumes_are_shown_as_slices(tmp_path):
    inputs = build_relabel_inputs(tmp_path, dimensions=3, noises=("polygon-3",), methods=("tta",), case_count=3)
    page = Page(inputs.write(tmp_path / "report.html"))
    assert "slice 1 of 3 along array axis Z" in page.text
    assert "The label of a voxel is turned into its opposite" in page.text


def test_label_sets_and_masks_of_something_else_are_refused(inputs, tmp_path):
    labels, relabelled = inputs.labels, inputs.relabelled
    inputs.labels = {**labels, "noisy:polygon-9": labels["clean"]}
    with pytest.raises(InputError, match="each label set must be of the evaluation"):
        inputs.write(tmp_path / "report.html")
    inputs.labels, inputs.relabelled = labels, relabelled.assign(noise="polygon-9")
    with pytest.raises(InputError, match="each noise must be one of the evaluation"):
        inputs.write(tmp_path / "report.html")
    inputs.relabelled = relabelled
    assert not (tmp_path / "report.html").exists()


def test_the_terminal_tells_the_table_and_both_outcomes(inputs, unclean):
    lines = describe_relabelling(inputs.evaluation)
    assert lines[0].split() == ["Dice", "with", "clean", "/", "noisy", "masks", *NOISES]
    assert lines[1].split() == ["clean", "labels", "0.900"]
    assert lines[4].split() == ["relabel", "tta", *["0.800", "/", "0.710"] * 2]
    assert lines[5].split() == ["relabel", "mc_dropout", "0.800", "/", "0.710", "-"]
    assert lines[7:9] == [
        "network, polygon-3: gained, gain 0.100 [0.069, 0.131]",
        "labels, polygon-3: label Dice 0.600 -> 0.697",
    ]
    assert describe_relabelling(unclean.evaluation)[-2:] == [
        "network, as-given: unknown, gain unknown",
        "labels, as-given: label Dice unknown -> unknown",
    ]


@pytest.fixture(scope="module")
def once(tmp_path_factory):
    """One split, everything trained once."""
    return build_relabel_inputs(
        tmp_path_factory.mktemp("once"), noises=("polygon-3",), methods=("tta",), folds=1, repeats=1
    )


def test_one_split_that_was_trained_once_cannot_tell_and_says_what_would(once, tmp_path):
    text = Page(once.write(tmp_path / "report.html")).text
    answer = text.split("Does the network follow the clean or the noisy labels?")[0]
    assert "Cannot tell: the trainings are too few to tell a difference from luck in training" in answer
    # 40 s three times, and 60 + 30 s.
    assert "Run with repeats=2 (8 trainings in all, about 7 min one after the other)." in answer
    assert LUCK_OF_ONE_SPLIT in answer
    assert "Each network was trained once per fold, so that no gain can be told from it." in text
    assert "What another split of the cases would give." in text
    assert describe_relabelling(once.evaluation)[6] == (
        "network, polygon-3: cannot tell, gain 0.100, no valid interval (few trainings)"
    )


def test_networks_that_learnt_too_little_get_no_verdict_and_no_headline(tmp_path):
    skill = Skill(own=0.3, guess=0.28)
    inputs = build_relabel_inputs(tmp_path, noises=("polygon-3",), methods=("tta",), skill=skill)
    answer = Page(inputs.write(tmp_path / "report.html")).text.split("Does the network follow")[0]
    assert "The networks learnt too little to show what relabelling does: without correction they reach" in answer
    assert "a Dice of 0.300 with clean labels; a mask that ignores the image gets 0.280. No verdict." in answer
    assert "relabelling minus no correction" not in answer
    assert describe_relabelling(inputs.evaluation)[6] == (
        "network, polygon-3: learnt too little, Dice 0.300, a mask that ignores the image 0.280, no verdict"
    )
