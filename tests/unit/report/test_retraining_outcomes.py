"""What the page of `retrain` says of every way in which a run can turn out."""

import re

from retraining_builders import CASES, LATER, Scene, build_judgement, decide

from overread.evaluation.skill import Skill
from overread.questions.retrain.records import LeftOutChampion


def test_all_promoted_is_a_yes_without_any_command(tmp_path):
    page = Scene().judge("ann", dice=0.83).keep("ben", state="current").read(tmp_path)
    assert "Yes: the new network of ann, version 4, takes the place of version 3." in page.text
    assert "overread model promote" not in page.text
    assert next(attributes["class"] for attributes in page.find_all("div")) == "answer yes"


def test_first_champions_have_no_difference_of_dice(tmp_path):
    page = Scene().judge("ann", champion=None, decision={"version": 1}).read(tmp_path)
    assert "Yes: the new network of ann, version 1, is its first champion." in page.text
    assert re.search(
        r"judged: challenger minus best champion so far not asked – −0\.05 or above 0\.800 0\.\d+ to 0\.\d+ – ",
        page.text,
    )
    assert "No champion to compare with: ann." in page.text
    assert "Sorted by Dice, the lowest first." in page.text
    assert len(page.find_all("img")) == 1 + 1


def test_a_refusal_by_dice_tells_difference_interval_and_margin(tmp_path):
    page = Scene().judge("ann", dice=0.7).read(tmp_path)
    assert "Not yet: the new network of ann, version 4, was refused, and version 3 stays in use." in page.text
    reason = (
        r"Its Dice is lower than that of the best champion so far, version\s3, by more than 0\.05: the difference is "
        r"−0\.100 \(60\s% interval "
    )
    assert len(re.findall(reason + r"−0\.1\d\d to −0\.0\d\d\)\.", page.text)) == 2
    row = r"not kept −0\.100 −0\.\d+ to −0\.\d+ −0\.05 or above 0\.700 0\.\d+ to 0\.\d+ 0\.800 0\.\d+ to 0\.\d+ "
    assert re.search(row, page.text)
    assert "The challenger lies below the best champion so far in 8 cases." in page.find_all("img")[-1]["alt"]


def test_a_refusal_by_load_bias_tells_the_limit_in_percent(tmp_path):
    page = Scene().judge("ann", bias=-0.62).read(tmp_path)
    assert "Its loads are off those of ann by more than 50 %: the bias is −62.0 % (60 % interval −6" in page.text
    judged = r"not kept −62\.0 % −6\d\.\d % to −6\d\.\d % −50 % to 50 % −62\.0 % "
    assert re.search(judged, page.text)
    assert "not within its bounds" in page.find_all("img")[1]["alt"]


def test_a_hold_for_too_few_subjects_tells_which_cases_do_not_count_and_why(tmp_path):
    page = Scene().judge("ann", counted=CASES[:3]).read(tmp_path)
    why = (
        "Only 3 held-out subjects count, and with fewer than 5 nothing can be told. 5 cases do not count, because "
        "ann's mask of them is new or was changed since the champion was judged."
    )
    assert page.text.count(why) == 2
    assert "Held-out subjects that count cannot tell 3 at least 5 – –" in page.text
    assert "Do not count: 5 : c03, c04, c05, c06, c07" in page.text
    assert "Not shown, because too few subjects count: ann." in page.text
    assert "8 held-out cases, 3 of which count" in page.find_all("img")[0]["alt"]


def test_too_few_subjects_without_a_champion_are_not_blamed_on_changed_masks(tmp_path):
    page = Scene().judge("ann", champion=None, one_subject=True, decision={"version": 1}).read(tmp_path)
    held = "Not yet: the new network of ann, version 1, is on hold until a human decides, and there is no champion yet."
    assert held in page.text
    why = "Only 1 held-out subject counts, and with fewer than 5 nothing can be told. ann has outlined no more of them."
    assert why in page.text


def test_a_network_that_learnt_too_little_is_refused_even_as_the_first(tmp_path):
    skill = Skill(own=0.3, guess=0.28)
    page = Scene().judge("ann", champion=None, skill=skill, decision={"version": 1}).read(tmp_path)
    assert "Not yet: the new network of ann, version 1, was refused, and there is no champion yet." in page.text
    why = "It learnt too little: its Dice is 0.300, that of a mask which ignores the image 0.280."
    assert page.text.count(why) == 2
    assert "not kept 0.03 0.25 or above 0.03" in page.text


def test_a_hold_is_told_with_the_commands_that_end_it(tmp_path):
    page = Scene().judge("ann", dice=0.755).read(tmp_path)
    assert (
        "Not yet: the new network of ann, version 4, is on hold until a human decides, and version 3 stays" in page.text
    )
    doubt = (
        r"Why ann is on hold: Its Dice may be lower than that of the best champion so far, version\s3, by more than "
        r"0\.05: the difference is −0\.045"
    )
    assert re.search(doubt, page.text)
    for action in ("promote", "refuse"):
        assert f'overread model {action} tiny-ann --version 4 --reason "…"' in page.text
    assert "judged: challenger minus best champion so far cannot tell −0.045" in page.text
    assert "within its bounds, its interval not" in page.find_all("img")[0]["alt"]
    assert "version 4 on hold labels changed version 3" in page.text


def test_a_decision_says_what_such_a_comparison_lets_through_beside_the_worst_subject(tmp_path):
    page = Scene().judge("ann", dice=0.83).read(tmp_path)
    chances = (
        r"With 8 subjects that vary like these \(SD 0\.0\d\d\), the comparison of Dice lets through over 99\s% of "
        r"networks that are as good as version 3, 20\s% of those worse by 0\.05 and under 1\s% of those worse "
        r"by 0\.07\. Worst subject: sc00, −0\.010, beside a mean of \+0\.030\."
    )
    assert len(re.findall(chances, page.text)) == 2


def test_a_better_champion_before_the_present_one_is_compared_with(tmp_path):
    lost = LeftOutChampion(version=1, reason="Its network is gone.")
    text = Scene().judge("ann", former=(2,), left_out=(lost,)).read(tmp_path).text
    assert "was refused, and version 3 stays in use." in text
    assert "against version 3, which is in use, the difference of Dice is 0.000" in text
    assert "Version 2 was better on these cases, so it is the one that is compared with." in text
    table = "version 3 0.800 in use version 2 0.900 best, compared with version 1 – left out Its network is gone."
    assert table in text
    assert "Dice, version 2" in text


def test_a_challenger_of_an_older_revision_is_refused_though_it_keeps_to_all_bounds(tmp_path):
    page = Scene().judge("ann", decision={"reasons": LATER, "state": "refused", "champion": 3}).read(tmp_path)
    assert f"Why ann was refused: {LATER[0]}" in page.text
    assert "not kept" not in page.text
    assert len(re.findall(r" kept (?:0\.78|8|0\.000|10\.0 %) ", page.text)) == 4


def test_a_reason_that_another_run_wrote_down_gets_true_minus_signs(tmp_path):
    reasons = ("Its Dice is lower <by> far: -0.100, a case-1 of low-2.",)
    html = Scene().judge("ann", decision={"reasons": reasons}).write(tmp_path / "report.html")
    assert "Its Dice is lower &lt;by&gt; far: −0.100, a case-1 of low-2." in html


def test_a_single_subject_has_no_interval(tmp_path):
    page = Scene().judge("ann", one_subject=True).read(tmp_path)
    assert "interval unknown" in page.text
    assert "nan" not in re.split(r"\W+", page.text.lower())
    assert "nan" not in " ".join(image["alt"] for image in page.find_all("img")).split()


def test_a_reference_that_outlines_nothing_leaves_the_load_bias_unknown(tmp_path):
    scene = Scene().judge("ann")
    table = scene.tables[0].assign(reference_load=0.0)
    judgement = build_judgement(scene.networks[0], table)
    scene.tables, scene.decisions = [table], [decide(judgement)]
    page = scene.read(tmp_path)
    assert "Its load bias cannot be told: ann outlines nothing in the cases that count." in page.text
    assert re.search(r"judged: that of the challenger cannot tell unknown −50 % to 50 % – –", page.text)


def test_a_promotion_that_the_bounds_do_not_explain_is_said_to_be_older(tmp_path):
    decision = {"state": "promoted", "reasons": (), "champion": 4}
    page = Scene().judge("ann", dice=0.7, decision=decision).read(tmp_path)
    assert "Version 4 of ann does not surely keep to the bounds of this run. It was promoted before" in page.text


def test_a_promoted_version_that_somebody_replaced_meanwhile_is_not_called_in_use(tmp_path):
    page = Scene().judge("ann", decision={"champion": 6}).read(tmp_path)
    assert "Not yet: the new network of ann, version 4, was promoted, but version 6 is in use now." in page.text
    assert "version 4 promoted labels changed version 6 – – – ann" in page.text


def test_nothing_new_lists_the_versions_in_use(tmp_path):
    scene = Scene().keep("ann", state="current").keep("ben", state="current", champion=1, since=None)
    page = scene.read(tmp_path)
    text = page.text
    assert (
        "Yes, nothing is new: the labels of revision a1b2c3d are those that the champions learnt, so nothing was "
        "trained." in text
    )
    told = "In use: ann (version 3 since 5 January 2026, learnt from revision 0f9e8d7) and ben (version 1, learnt from"
    assert told in text
    assert page.find_all("img") == []
    assert not {"What the gate found", "Study digest", "All settings", "Tracked run"} & set(
        re.findall(r"What the gate found|Study digest|All settings|Tracked run", page.text)
    )
    assert "Masks of ann, as recorded" in page.text


def test_nothing_new_tells_of_labels_whose_challenger_was_refused(tmp_path):
    scene = Scene().keep("ann", state="current").keep("ben", state="judged", behind=3)
    text = scene.keep("cas", state="judged", champion=None).read(tmp_path).text
    assert "Nothing is new: every network was judged on the labels of revision a1b2c3d before" in text
    assert (
        "ben: these labels were judged before, and the challenger that learnt them was refused or taken back. In use: "
        "version 3 since 5 January 2026, learnt from revision 0f9e8d7, 3 revisions behind." in text
    )
    assert "was refused or taken back. There is no champion." in text


def test_nothing_new_tells_of_a_hold_with_the_commands_that_end_it(tmp_path):
    text = Scene().keep("ann", state="current").keep("ben", state="held", held=5, behind=1).read(tmp_path).text
    assert (
        "ben: these labels were judged before, and version 5 is on hold until a human decides. In use: version 3"
        in text
    )
    assert "judged before, and version 5 waits for a human" in text
    for action in ("promote", "refuse"):
        assert f'overread model {action} tiny-ben --version 5 --reason "…"' in text
