import re
from urllib.parse import unquote

import numpy as np
import pytest
from noise_builders import SKILL, VARIANTS, build_noise_inputs
from pages import Page, check_page
from report_builders import build_mask

from overread.errors import InputError
from overread.evaluation.skill import Skill
from overread.questions.label_noise.page.figures import choose_limits
from overread.questions.label_noise.page.gallery import choose_error_cases, find_detail
from overread.questions.label_noise.page.trainings import group_trainings
from overread.questions.label_noise.results import MissingTraining
from overread.questions.label_noise.steps.summary import summarise
from overread.report.judgement import LUCK_OF_ONE_SPLIT
from overread.study.label_set import LabelSet
from overread.study.rasters import write_mask

CITATION = "https://arxiv.org/abs/1806.04618"
PNG = "png;base64,"


def lose(network, variant, repeat=0, reason="out of memory"):
    return MissingTraining(network=network, variant=variant, fold=0, repeat=repeat, reason=reason)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    return build_noise_inputs(tmp_path_factory.mktemp("two"))


@pytest.fixture(scope="module")
def html(inputs, tmp_path_factory):
    return inputs.write(tmp_path_factory.mktemp("page") / "new" / "report.html")


@pytest.fixture(scope="module")
def page(html):
    return Page(html)


def test_the_page_is_sound_and_asks_its_question(page):
    check_page(page, links={CITATION})
    assert "How much do imperfect labels matter?" in page.text


def test_the_answer_stands_first_with_its_numbers(page):
    # Slopes natural 0.6, choppy 0.4: boundary 0.5, give or take 0.01 by case; random 0 give or take 0.01.
    answer = page.text.index("boundary errors that lower label Dice by 0.10 cost the networks 0.050 Dice")
    assert page.text.index("The errors were fixed") < page.text.index("The curve: worse labels, worse networks?")
    assert answer < page.text.index("The curve: worse labels, worse networks?")


def test_the_table_shows_mean_interval_loss_and_count(page):
    # natural-0.80: 0.8 - 0.2 × 0.6 = 0.68, a loss of 0.12.
    row = re.search(r"natural-0.80 label Dice 0.800 (.*?) choppy-0.80", page.text).group(1)
    assert re.fullmatch(r"(0\.680 0\.67\d to 0\.68\d loss 0\.120 \(0\.11\d to 0\.12\d\) n = 6 ?){2}", row)


def test_what_is_outlined_and_lost_at_the_best_threshold_stands_beside_the_loss(page):
    # natural-0.80: 1.2 + 2 × 0.2 of the truth; at the best threshold 0.9 - 0.2 × 0.6 / 2 = 0.84, a loss of 0.06.
    row = re.search(r"U-Net natural-0.80 (1\.6.*?) U-Net choppy-0.80", page.text).group(1)
    assert re.fullmatch(r"1\.600 \S+ to \S+ 0\.120 \S+ to \S+ 0\.75 0\.840 \S+ to \S+ 0\.060 \S+ to \S+", row)
    assert "U-Net control 1.200 1.200 to 1.200 – the control 0.75 0.900 0.900 to 0.900 – the control" in page.text
    assert (
        "The largest loss, that of the U-Net on natural-0.80, may be a moved decision: predicted area 1.60 × true "
        "(1.20 × true after clean labels), and at the best threshold the loss is 0.060 Dice (95 % interval"
    ) in page.text


def test_slopes_of_networks_and_of_all_stand_with_levels_and_counts(page):
    assert "U-Net 0.600" in page.text
    assert "all networks 0.600" in page.text
    assert "all networks, best thresholds 0.300" in page.text
    assert "3 levels, n = 6" in page.text
    assert "Boundary errors (natural and choppy together), mean of the architectures: 0.500 (" in page.text


def test_findings_stand_with_verdict_rule_and_evidence(page):
    assert "Boundary errors (natural, choppy) lower test Dice steadily. borne out" in page.text
    assert "Even the strongest random errors hardly change test Dice. borne out" in page.text
    assert "Borne out if the interval lies within ±0.02 Dice" in page.text
    assert "The U-Net resists large choppy errors best. undecided" in page.text
    assert "U-Net against SegNet undecided Loss with choppy-0.80, U-Net minus SegNet: 0.000" in page.text
    verdicts = [tag.get("class") for tag in page.find_all("span") if tag.get("class", "").startswith("verdict ")]
    assert {"verdict borne-out", "verdict undecided"} == set(verdicts)


def test_there_is_a_curve_per_network_with_a_legend_of_the_modes(page):
    curves = [image for image in page.images if image["alt"].startswith("Held-out Dice of ")]
    assert ["U-Net" in curve["alt"] for curve in curves] == [True, False]
    assert "natural-0.80 (label Dice 0.800): 0.680 (" in curves[0]["alt"]
    marks = [tag["class"] for tag in page.find_all("span") if tag.get("class", "").startswith("mark ")]
    assert marks == ["mark diamond", "mark dot", "mark square", "mark triangle"]


def test_the_variants_stand_with_target_reach_strength_and_digest(page):
    assert "natural-0.90 natural 0.90 0.900 0.880 to 0.930 1.25 px 555555555555" in page.text
    assert "random-0.80 random 0.80 0.800 0.780 to 0.830 20.0 % flipped 555555555555" in page.text


def test_the_strongest_errors_of_each_kind_are_shown_with_their_dice(page):
    # The clean square has 6 × 6 pixels; those of the variants in order 7, 8, 9, 10 on a side.
    headings = re.findall(r"Case (c\d\d): (\w+) loss", page.text)
    assert [reason for _, reason in headings] == ["median", "largest"]
    shown = [image["alt"] for image in page.images if image["alt"].startswith(f"Case {headings[0][0]}, ")]
    assert [alt.split(".")[0] for alt in shown] == [
        f"Case {headings[0][0]}, {name}" for name in ("clean", "natural-0", "choppy-0", "random-0")
    ]
    assert "Against the clean mask 28 pixels of this view are added and 0 are lost." in shown[1]
    # 2 × 36 / (36 + 64) = 0.72
    assert "natural-0.80 Dice 0.720 with the clean mask" in page.text
    assert all(PNG in unquote(image["src"]) for image in page.images if image["alt"].startswith("Case "))


def test_the_papers_table_is_there_for_comparison_and_closed(page, html):
    assert "For comparison: liver CT in the paper" in page.text
    assert "control 0.9134 0.8993 0.8870" in page.text
    assert "random-0.85 0.9182 0.9068 0.8676" in page.text
    assert "natural 1.11" in page.text
    assert "<details open>" not in html


def test_the_papers_table_is_open_for_its_preset(inputs, tmp_path):
    context, inputs.context = inputs.context, inputs.context.model_copy(update={"preset": "heller2018"})
    html = inputs.write(tmp_path / "report.html")
    inputs.context = context
    assert html.count("<details open>") == 1


def test_what_was_trained_on_what_is_listed(page):
    assert "U-Net natural-0.80 2 1,234,567 12–13 0.712" in page.text
    assert "All 20 trainings" in page.text
    assert "0 c00, c01 c02 c00, c01, c02, c03, c04, c05" in page.text
    assert "trained once per fold" not in page.text


def test_design_and_luck_stand_below_the_answer(page):
    assert LUCK_OF_ONE_SPLIT in page.text
    design = page.text.index("Smallest detectable cost, boundary errors")
    assert page.text.index("cost the networks 0.050") < design < page.text.index("The curve: worse labels")
    assert "What another split of the training cases gives." in page.text
    assert "one draw of them, whose luck is in no interval." in page.text
    assert "bootstrap" not in page.text


def test_losses_stand_with_p_and_verdict(page):
    loss = r"0\.120 \(0\.11\d to 0\.12\d\) 6 p < 0.001 p < 0.001 costs Dice 2"
    assert re.search(rf"U-Net natural-0.80 0\.680 \S+ 0\.000 6 {loss}", page.text)
    none = r"[^a-z]* to [^a-z]*p = 1.00 p = 1.00 no difference that matters 2"
    assert re.search(rf"U-Net random-0.80 0\.800 {none}", page.text)


def test_networks_that_learnt_too_little_give_a_page_without_findings_and_slopes(tmp_path):
    page = Page(build_noise_inputs(tmp_path, skill=Skill(own=0.301, guess=0.295)).write(tmp_path / "report.html"))
    assert "The networks learnt too little to show what label errors cost: U-Net reaches Dice 0.301" in page.text
    assert "so no finding is judged" in page.text
    assert "so no slope is given" in page.text
    assert "U-Net 0.301 0.295 0.01 0.25 learnt too little" in page.text
    assert "Test Dice per unit of label Dice" not in page.text
    assert page.mismatches == []


@pytest.mark.parametrize(
    ("skill", "answer", "last"),
    [
        (SKILL, "Boundary errors matter; random errors make no difference that matters: ", "undecided, SegNet: "),
        (Skill(own=0.301, guess=0.295), "The networks learnt too little to show what label errors cost: ", "The netw"),
    ],
)
def test_the_lines_of_a_local_run_end_with_the_answer_and_the_findings(tmp_path, skill, answer, last):
    build_noise_inputs(tmp_path, skill=skill).evaluation.write(tmp_path / "noise_evaluation" / "evaluation.json")
    lines = summarise(tmp_path)
    assert lines[lines.index("") + 1].startswith(answer)
    assert lines[-1].startswith(last)


def test_one_training_of_each_on_one_split_decides_nothing(tmp_path):
    page = Page(build_noise_inputs(tmp_path, repeats=1).write(tmp_path / "report.html"))
    assert "Whether boundary and random errors matter cannot be told" in page.text
    assert "Run with repeats=2 and 4 or more networks × labels." in page.text
    assert "no interval is valid and nothing can be decided" in page.text
    assert "nan" not in re.split(r"\W+", page.text.lower())
    verdicts = [tag.get("class") for tag in page.find_all("span") if tag.get("class", "").startswith("verdict ")]
    assert set(verdicts) == {"verdict undecided"}


def test_equal_inputs_give_equal_bytes(inputs, html, tmp_path):
    assert inputs.write(tmp_path / "again.html") == html


def test_missing_trainings_are_shown_with_their_reason_and_not_averaged_in(tmp_path):
    missing = [lose("segnet", "random-0.80", reason="the loss is not <finite>"), lose("unet", "choppy-0.80", repeat=1)]
    inputs = build_noise_inputs(tmp_path, missing=[*missing, lose("segnet", "random-0.80", repeat=1)])
    inputs.trainings = []
    page = Page(inputs.write(tmp_path / "report.html"))
    assert "3 trainings of 20 failed and are left out" in page.text
    assert "missing the loss is not <finite> out of memory" in page.text
    assert "n = 6 1 of 2 trainings missing" in page.text
    assert "SegNet random-0.80 0 0 the loss is not <finite>" in page.text
    assert "SegNet random-0.80 6 : c00, c01, c02, c03, c04, c05" in page.text
    assert "too few levels" in page.text
    assert "random-0.80 (label Dice 0.800): missing" in page.images[1]["alt"]
    assert "No trainings were reported." in page.text


def test_redrawn_labels_are_told_and_nothing_is_drawn_of_them(tmp_path):
    inputs = build_noise_inputs(tmp_path, redraw="every_epoch")
    page = Page(inputs.write(tmp_path / "report.html"))
    assert "The errors were drawn anew in every epoch" in page.text
    assert "one draw of them" not in page.text
    assert "So there are no stored masks to show" in page.text
    assert "natural-0.90 natural 0.90 0.900 – 1.25 px drawn anew" in page.text
    assert not [image for image in page.images if image["alt"].startswith("Case ")]
    assert "U-Net random-0.80 2 1,234,567 12–13" in page.text


def test_one_network_with_one_kind_of_errors_is_reported_alone(tmp_path):
    inputs = build_noise_inputs(tmp_path, networks=("fcn32",), variants=VARIANTS[:3])
    page = Page(inputs.write(tmp_path / "report.html"))
    assert "all networks 0" not in page.text
    assert "mean of the architectures" not in page.text
    assert "The U-Net resists large choppy errors best. not tested" in page.text
    assert page.mismatches == []


def test_clean_labels_alone_give_a_page_without_slopes(tmp_path):
    page = Page(build_noise_inputs(tmp_path, variants=("control",)).write(tmp_path / "report.html"))
    assert "No imperfect labels were tried, so there is no slope." in page.text


def test_a_single_subject_gives_no_interval_and_no_verdict(tmp_path):
    page = Page(build_noise_inputs(tmp_path, case_count=1).write(tmp_path / "report.html"))
    assert "Fewer than 6 subjects were held out" in page.text
    # One case: 0.8 - 0.2 × (0.6 - 0.01).
    assert "0.682 interval unknown" in page.text
    assert "nan" not in re.split(r"\W+", page.text.lower())
    assert "lower test Dice steadily. undecided" in page.text


def test_volumes_are_shown_as_slices(tmp_path):
    page = Page(build_noise_inputs(tmp_path, dimensions=3, networks=("unet",)).write(tmp_path / "report.html"))
    assert "slice 1 of 3 along array axis Z" in page.text
    assert "random : single voxels have the wrong label" in page.text


def test_cases_without_a_clean_mask_are_named(tmp_path):
    inputs = build_noise_inputs(tmp_path)
    inputs.evaluation = inputs.evaluation.model_copy(update={"unlabelled_cases": ("c05",)})
    inputs.dice = inputs.dice[inputs.dice["case_id"] != "c05"]
    page = Page(inputs.write(tmp_path / "report.html"))
    assert "5 of 6 cases have a clean mask. Without one: 1 : c05" in page.text


def test_inputs_that_do_not_belong_together_are_refused(tmp_path):
    inputs = build_noise_inputs(tmp_path)

    def check(match, **changes):
        before = {name: getattr(inputs, name) for name in changes}
        for name, value in changes.items():
            setattr(inputs, name, value)
        with pytest.raises(InputError, match=match):
            inputs.write(tmp_path / "report.html")
        for name, value in before.items():
            setattr(inputs, name, value)

    stranger = inputs.trainings[0].job.model_copy(update={"source": "other"})
    check("each label set", labels={"natural-0.70": inputs.labels["natural-0.80"]})
    check(
        "case_id as text", dice=inputs.dice.assign(case_id="1", subject_id="1").drop_duplicates(["network", "variant"])
    )
    check("unet on other", trainings=[inputs.trainings[0].model_copy(update={"job": stranger})])
    assert not (tmp_path / "report.html").exists()


def test_trainings_are_grouped_by_network_and_variant(inputs):
    groups = group_trainings(inputs.trainings[::-1], inputs.evaluation)
    assert [(group.network, group.variant) for group in groups] == [
        (network, variant) for network in ("unet", "segnet") for variant in VARIANTS
    ]


def test_all_curves_share_limits_that_hold_every_bar(inputs):
    (best, worst), (low, high) = choose_limits(inputs.evaluation)
    assert best > 1 > 0.80 > worst
    assert all(low < cell.mean.low and cell.mean.high < high for cell in inputs.evaluation.cells)


def test_cases_in_which_nothing_is_outlined_are_passed_over(tmp_path):
    clean = LabelSet("truth", tmp_path, ".png")
    for case_id in "abcde":
        mask = build_mask(2, size=4) if case_id in "abd" else np.zeros((24, 20), np.bool_)
        write_mask(clean.path(case_id), mask, None)
    assert choose_error_cases(list("abcde"), clean) == {"b": "median loss", "d": "largest loss"}
    assert choose_error_cases(["c", "e"], clean) == {}
    assert choose_error_cases(["a"], clean) == {"a": "largest loss"}


def test_large_views_are_looked_at_closer_at_the_edge_of_the_outline():
    mask = np.zeros((300, 200), np.bool_)
    mask[100:201, 20:81] = True
    # The middle row is 150 and its last column 80; 96 pixels around them.
    assert find_detail(mask) == (slice(102, 198), slice(32, 128))
    assert find_detail(mask[:144, :144]) is None
    mask[150, 199] = True
    assert find_detail(mask) == (slice(102, 198), slice(104, 200))
