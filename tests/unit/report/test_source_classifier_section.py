import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pandas as pd
import pytest
from pages import Page, check_markup

from overread.evaluation.results import Interval
from overread.questions.rater_bias.classification_results import HIT_COLUMNS, HitRate, RocCurve, SourceClassification
from overread.questions.rater_bias.page import source_classifier
from overread.questions.rater_bias.page.source_classifier import (
    build_source_classifier_section,
    draw_hit_rates,
    draw_roc_curves,
    word_baseline,
    word_growth,
    word_recognition,
)
from overread.questions.rater_bias.source_hits import compute_case_rates, compute_growth, summarise_hits
from overread.report.page import render_page

NAN = float("nan")
TEMPLATE = Path(source_classifier.__file__).with_name("source_classifier.html.j2")


def make_hits(case_count=4, sources=("ann", "ben")):
    """Of 10 patches, 8 annotations and 9 predictions are recognised, and 5 of both in the baseline."""
    counts = {("annotation", False): 8, ("prediction", False): 9, ("annotation", True): 5, ("prediction", True): 5}
    rows = [
        (0, f"c{number}", f"s{number}", source, origin, shuffled, 10, hits)
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
        "patch_size": (24, 24, 24),
        "patches_per_case": 10,
        "fold_count": 3,
        "hit_rates": summarise_hits(hits, seed=0),
        "growth": compute_growth(hits, seed=0),
        "rocs": dict.fromkeys(("annotation", "prediction"), RocCurve(**curve)),
        "skipped_cases": {},
        **changes,
    }
    return SourceClassification(**values)


def make_rate(low, high, *, origin="annotation", shuffled=False):
    interval = Interval(estimate=0.6, low=low, high=high)
    values = {"std": 0.1, "case_count": 4, "patch_count": 80, "by_source": {}}
    return HitRate(origin=origin, shuffled=shuffled, interval=interval, **values)


def render(classification, hits, noun="rater"):
    section = build_source_classifier_section(classification, hits, noun=noun)
    return render_page(TEMPLATE, {"classifier": section})


def test_the_section_tells_findings_numbers_and_methods():
    hits = make_hits()
    page = Page(render(make_classification(hits), hits))
    assert "The raters can be told apart: on held-out cases, a network recognises who drew a mask; hit" in page.text
    assert "0.800 ± 0.000 0.800 to 0.800 0.800 0.800" in page.text
    assert "easier to tell apart than the raters themselves: 0.100 (0.100 to 0.100) in hit rate per case" in page.text
    assert "which agrees with chance, as it should" in page.text
    assert "24 × 24 × 24 voxels" in page.text
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


@pytest.mark.parametrize(
    ("low", "high", "lead"),
    [
        (0.55, 0.7, "The raters can be told apart:"),
        (0.45, 0.7, "The raters were not told apart:"),
        (0.3, 0.4, "The wrong way round:"),
        (NAN, NAN, "Not known:"),
    ],
)
def test_the_interval_decides_whether_sources_are_told_apart(low, high, lead):
    classification = make_classification(make_hits(), hit_rates=(make_rate(low, high),))
    assert word_recognition(classification, noun="rater")[0] == lead


def test_without_a_held_out_outline_nothing_is_known():
    assert word_recognition(make_classification(make_hits(), hit_rates=()), noun="rater")[0] == "Not known:"


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [(0.01, 0.1, "easier to tell apart"), (-0.1, 0.1, "is open"), (-0.2, -0.1, "harder"), (NAN, NAN, "is open")],
)
def test_the_interval_decides_whether_predictions_are_easier(low, high, words):
    assert words in word_growth(Interval(estimate=0.0, low=low, high=high), noun="rater")


def test_a_baseline_beyond_chance_is_said_to_be():
    rates = (
        make_rate(0.4, 0.6, shuffled=True),
        make_rate(0.52, 0.7, origin="prediction", shuffled=True),
    )
    fine, beyond = (make_classification(make_hits(), hit_rates=chosen) for chosen in (rates[:1], rates))
    assert "agrees with chance" in word_baseline(fine, noun="rater")
    assert "leaves out chance" in word_baseline(beyond, noun="rater")


def test_a_third_is_chance_of_three_sources_in_spite_of_rounding():
    classification = make_classification(
        make_hits(), ("a", "b", "c"), hit_rates=(make_rate(0.1 + 0.7 / 3, 1 / 3, shuffled=True),)
    )
    assert "agrees with chance" in word_baseline(classification, noun="rater")


def test_the_alternatives_of_the_figures_carry_the_numbers():
    hits = make_hits()
    classification = make_classification(hits)
    rates = draw_hit_rates(classification, compute_case_rates(hits))
    assert "chance is 0.500" in rates.alt
    assert "predictions, shuffled: 0.500 (0.500 to 0.500), 4 cases" in rates.alt
    curves = draw_roc_curves(classification.rocs, positive="ann, not ben")
    assert curves.alt == (
        "Receiver operating characteristic of finding ann, not ben: annotations: area 0.850; predictions: area 0.850."
    )
    for figure in (rates, curves):
        ElementTree.fromstring(figure.svg)
