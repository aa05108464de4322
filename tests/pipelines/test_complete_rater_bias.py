"""`rater-bias` with mixed labels, the source classifier and a consensus, as a user types it."""

from pathlib import Path

import pytest

from overread.evaluation.mixing_results import MixingEvaluation
from overread.steps.classify_sources import read_classified_sources
from overread.steps.cross_evaluate import read_evaluation
from tests.pipelines.conftest import run_module

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def results(study: Path, preset: Path) -> Path:
    choices = (f"preset={preset}", "folds=2", "mix_ratios=1,0.5", "consensus=majority")
    done = run_module("pipelines", "run", "rater-bias", "--study", str(study), "--set", *choices)
    assert done.returncode == 0, done.stdout + done.stderr
    return study / ".overread" / "latest" / "rater-bias"


def test_networks_of_mixed_labels_are_compared_with_every_rater(results):
    mixing = MixingEvaluation.model_validate_json((results / "mixing_evaluation" / "mixing.json").read_text())
    assert (mixing.first, mixing.second) == ("tight", "wide")
    assert [network.ratio for network in mixing.networks] == [0.0, 0.5, 1.0]
    assert {reference.reference for reference in mixing.networks[0].dice} == {"tight", "wide", "consensus-majority"}
    assert (results / "predictions" / "network-tight+0.50-wide" / "c0.png").is_file()


def test_the_consensus_is_compared_and_has_a_network(results):
    evaluation = read_evaluation(results / "cross_evaluation")
    assert evaluation.sources == ("tight", "wide", "consensus-majority")


def test_raters_alone_are_told_apart(results):
    found = read_classified_sources(results / "classification")
    assert found is not None
    classification, hits = found
    assert classification.sources == ("tight", "wide")
    assert set(hits["case_id"]) == {f"c{index}" for index in range(6)}


def test_the_page_shows_all_parts(results):
    page = (results / "report.html").read_text()
    for part in ('id="mixing"', 'id="source-classifier"', "consensus-majority"):
        assert part in page
