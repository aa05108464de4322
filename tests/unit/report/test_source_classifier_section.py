import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pandas as pd
import pytest
from pages import Page, check_markup

from overread.evaluation.results import Estimate
from overread.questions.rater_bias.classification_results import HIT_COLUMNS, HitRate, RocCurve, SourceClassification
from overread.questions.rater_bias.hit_rates import compute_chance_band, compute_growth, summarise_hits
from overread.questions.rater_bias.page import source_classifier
from overread.questions.rater_bias.page.source_classifier import (
    build_source_classifier_section,
    draw_hit_rates,
    draw_roc_curves,
    word_band,
    word_baseline,
    word_growth,
    word_recognition,
)
from overread.questions.rater_bias.source_hits import compute_case_rates
from overread.report.page import render_page

NAN = float("nan")
TEMPLATE = Path(source_classifier.__file__).with_name("source_classifier.html.j2")


def make_hits(case_count=6, sources=("ann", "ben")):
    """Of 10 patches 8 of annotations and all of predictions are recognised, 5 in the baseline; 2 cases a fold."""
    counts = {("annotation", False): 8, ("prediction", False): 10, ("annotation", True): 5, ("prediction", True): 5}
    rows = [
        (number // 2, f"c{number}", f"s{number}", source, origin, shuffled, 10, hits)
        for number in range(case_count)
        for source in sources
        for (origin, shuffled), hits in counts.items()
    ]
    return pd.DataFrame(rows, columns=list(HIT_COLUMNS))


def make_classification(hits, sources=("ann", "ben"), **changes):
    curve = {"fpr": (0.0, 0.2, 1.0), "tpr": (0.0, 0.9, 1.0), "thresholds": (1.0, 0.5, 0.0), "auc": 0.85}
    values = {
        "study": "tiny",
        "target": "lesion",
        "sources": sources,
        "chance": 1 / len(sources),
        "chance_band": compute_chance_band(hits, chance=1 / len(sources)),
        "patch_size": (24, 24, 24),
        "patches_per_case": 10,
        "fold_count": 3,
        "hit_rates": summarise_hits(hits, chance=1 / len(sources)),
        "growth": compute_growth(hits),
        "rocs": dict.fromkeys(("annotation", "prediction"), RocCurve(**curve)),
        "skipped_cases": {},
        **changes,
    }
    return SourceClassification(**values)


def make_estimate(mean, low, high, obstacle=""):
    return Estimate(
        estimate=mean,
        low=low,
        high=high,
        standard_error=0.02,
        degrees_of_freedom=2.0,
        smallest_detectable=0.1,
        p_value=None if obstacle else 0.04,
        subject_count=6,
        fold_count=3,
        repeat_count=1,
        obstacle=obstacle,
    )


def make_rate(p_above, *, origin="annotation", shuffled=False, obstacle=""):
    interval = make_estimate(0.6, 0.55, 0.65) if not obstacle else make_estimate(0.6, NAN, NAN, obstacle)
    values = {"std": 0.1, "case_count": 6, "patch_count": 80, "by_source": {}}
    return HitRate(origin=origin, shuffled=shuffled, interval=interval, p_above=p_above, **values)


def recognise(*rates):
    lead, rest = word_recognition(make_classification(make_hits(), hit_rates=rates), noun="rater")
    return f"{lead} {rest}".replace("\u00a0", " ")


def render(classification, hits, noun="rater"):
    section = build_source_classifier_section(classification, hits, noun=noun)
    return render_page(TEMPLATE, {"classifier": section})


def test_the_section_tells_findings_numbers_and_methods():
    hits = make_hits()
    page = Page(render(make_classification(hits), hits))
    text = page.text.replace("\u00a0", " ")
    assert "Told apart: on held-out cases, a network recognises which rater drew a mask; hit rate 0.800 (95 %" in text
    assert "0.800 ± 0.000 0.800 to 0.800 p < 0.001 0.800 0.800" in text
    assert "easier to tell apart than the raters themselves: 0.200 (95 % interval 0.200 to 0.200) in hit rate" in text
    assert "not shown to be above chance, as it should be. Chance alone gives hit rates of 0.500 to 0.500" in text
    assert "24 × 24 × 24 voxels" in text
    assert len(page.images) == 2
    check_markup(page)


def test_left_out_cases_are_named():
    hits = make_hits()
    classification = make_classification(hits, skipped_cases={"ann": ("c8", "c9"), "network-ben": ("c7",)})
    assert "left out: ann (c8, c9); network-ben (c7)." in Page(render(classification, hits)).text


def test_a_study_of_three_sources_without_predictions_or_curves_has_a_section():
    sources = ("ann", "ben", "<cat>")
    hits = make_hits(sources=sources)
    hits = hits[hits["origin"] == "annotation"]
    page = Page(render(make_classification(hits, sources, rocs={}), hits, noun="source"))
    assert "chance is 0.333" in page.text
    assert "<cat>" in page.text
    assert "so the two cannot be compared" in page.text
    assert len(page.images) == 1


def test_equal_input_gives_equal_bytes():
    hits = make_hits()
    assert render(make_classification(hits), hits) == render(make_classification(hits), hits)


def test_sources_are_told_apart_where_the_hit_rate_lies_above_chance():
    assert recognise(make_rate(0.025)) == (
        "Told apart: on held-out cases, a network recognises which rater drew a mask; hit rate 0.600 (95 % interval "
        "0.550 to 0.650), chance is 0.500."
    )


def test_what_is_not_told_is_never_said_to_be_alike():
    assert recognise(make_rate(0.026)) == (
        "Cannot tell: hit rate 0.600 (95 % interval 0.550 to 0.650), chance is 0.500. That may be chance. It does not "
        "show that the raters draw alike: a study like this tells them apart at a hit rate of about 0.600 three times "
        "out of four."
    )


def test_a_control_that_is_recognised_too_leaves_nothing_to_conclude():
    assert recognise(make_rate(0.001), make_rate(0.02, shuffled=True)).endswith(
        "It lies above chance, but so does that of the control, so nothing is concluded."
    )
    assert recognise(make_rate(0.001), make_rate(0.03, shuffled=True)).startswith("Told apart:")


@pytest.mark.parametrize(
    ("obstacle", "words"),
    [
        ("few subjects", "(no valid interval), chance is 0.500. Fewer than 6 subjects were held out"),
        ("few trainings", "Two classifiers are too few to tell recognition from luck in training: run with folds=5."),
        ("many folds", "No interval is known to hold for more than 5 folds: run with folds=5."),
    ],
)
def test_without_a_valid_interval_the_reason_is_told(obstacle, words):
    sentence = recognise(make_rate(None, obstacle=obstacle))
    assert sentence.startswith("Cannot tell: hit rate 0.600 (no valid interval)")
    assert words in sentence


def test_without_a_held_out_outline_nothing_is_known():
    assert recognise() == "Cannot tell: no held-out case was outlined by a rater."


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ((0.15, 0.01, 0.3), "are easier to tell apart than the raters themselves: 0.150"),
        ((0.0, -0.2, 0.2), "cannot be told: a change of 0.000"),
        ((-0.2, -0.3, -0.1), "are harder to tell apart"),
        (
            (0.02, 0.01, 0.03),
            "about as easy to tell apart as the raters themselves: 0.020 (95 % interval 0.010 to 0.030)",
        ),
        ((0.15, NAN, NAN, "few trainings"), "cannot be told: a change of 0.150 (no valid interval)"),
    ],
)
def test_the_interval_and_what_matters_decide_whether_predictions_are_easier(values, words):
    classification = make_classification(make_hits(), growth=make_estimate(*values))
    assert words in word_growth(classification, noun="rater").replace("\u00a0", " ")


def test_a_control_beyond_chance_is_said_to_be():
    rates = (make_rate(0.1, shuffled=True), make_rate(0.02, origin="prediction", shuffled=True))
    fine, beyond = (make_classification(make_hits(), hit_rates=chosen) for chosen in (rates[:1], rates))
    assert word_baseline(fine, noun="rater").endswith("not shown to be above chance, as it should be.")
    assert "one lies above chance" in word_baseline(beyond, noun="rater")
    unknown = make_classification(make_hits(), hit_rates=(make_rate(None, shuffled=True, obstacle="few subjects"),))
    assert word_baseline(unknown, noun="rater").endswith("(no valid interval) for annotations.")


def test_the_chance_band_is_told_with_the_subjects_and_folds_that_make_it():
    hits = make_hits()
    spread = hits.assign(hit_count=hits["hit_count"].where(~hits["shuffled"], 4 + hits["fold"]))
    # Rates .4, .5 and .6 in pairs: mean square .02 / 3, of 6 subjects in 3 folds.
    width = 2 * (0.02 / 3 * 2.5 / 6) ** 0.5
    assert word_band(make_classification(spread)).startswith(
        f"Chance alone gives hit rates of {0.5 - width:.3f} to {0.5 + width:.3f} with 6 subjects in 3 folds: 0.500 ± 2 "
    )
    assert word_band(make_classification(hits, hit_rates=())) == ""


def test_the_alternatives_of_the_figures_carry_the_numbers():
    hits = make_hits()
    classification = make_classification(hits)
    rates = draw_hit_rates(classification, compute_case_rates(hits))
    assert "chance is 0.500 (0.500 to 0.500)" in rates.alt
    assert "predictions, shuffled: 0.500 (0.500 to 0.500), 6 cases" in rates.alt
    curves = draw_roc_curves(classification.rocs, positive="ann, not ben")
    assert curves.alt == (
        "Receiver operating characteristic of finding ann, not ben: annotations: area 0.850; predictions: area 0.850."
    )
    for figure in (rates, curves):
        ElementTree.fromstring(figure.svg)
