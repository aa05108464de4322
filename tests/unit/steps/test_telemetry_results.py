import pandas as pd
import pytest

from overread.evaluation.matters import Matters
from overread.evaluation.results import COMPARISON_COLUMNS, Interval, MetricSummary
from overread.questions.rater_bias.results import CrossEvaluation
from overread.questions.rater_bias.steps.telemetry import collect_evaluation_metrics
from overread.questions.relabel.steps.make_relabelled_sources import collect_relabelling_metrics
from overread.study.schema import Provenance

SAME, CROSS, BIAS = (f"overread_evaluation_{name}_ratio" for name in ("same_dice", "cross_dice", "load_bias"))


def make_cell(prediction: str, reference: str, mean: float | None, case_count: int) -> MetricSummary:
    return MetricSummary(
        prediction=prediction,
        reference=reference,
        metric="dice",
        mean=mean,
        std=None,
        median=mean,
        case_count=case_count,
        infinite_count=0,
    )


def make_evaluation(*cells: MetricSummary) -> CrossEvaluation:
    """Three raters and their consensus; only what telemetry reads is filled in."""
    return CrossEvaluation(
        study="s",
        target="t",
        length_unit="mm",
        load_unit="ml",
        surface_tolerance=1.0,
        matters=Matters(),
        sources=("a", "b", "c", "majority"),
        raters=("a", "b", "c"),
        case_ids=(),
        missing_cases={},
        empty_cases={},
        skills={},
        rater_dice={},
        consensus_gains=(),
        matrix=cells,
        pairs=(),
        same_dice=Interval(estimate=0.0, low=0.0, high=0.0),
        cross_dice=None,
        dice_gap=None,
        verdict="cannot tell",
        two_sample_p=None,
    )


def make_table(*rows: tuple[str, str, float, float]) -> pd.DataFrame:
    """Rows of prediction, reference and their loads."""
    names = ("prediction", "reference", "prediction_load", "reference_load")
    return pd.DataFrame([dict(zip(names, row, strict=True)) for row in rows], columns=list(COMPARISON_COLUMNS))


EVALUATION = make_evaluation(
    make_cell("network-a", "a", 0.9, 4),
    make_cell("network-a", "b", 0.8, 3),
    make_cell("network-a", "c", 0.4, 1),
    make_cell("network-a", "majority", 0.1, 4),
    make_cell("network-b", "a", 0.2, 3),
    make_cell("network-b", "c", None, 0),
    make_cell("network-majority", "majority", 0.7, 4),
    make_cell("network-majority", "a", 0.6, 4),
)
TABLE = make_table(
    ("network-a", "a", 3.0, 1.0),
    ("network-a", "a", 3.0, 4.0),
    ("network-a", "b", 100.0, 1.0),
    ("a", "a", 100.0, 1.0),
    ("network-b", "b", 2.0, 0.0),
)


def test_cross_dice_is_the_mean_over_all_comparisons_with_the_other_raters():
    found = collect_evaluation_metrics(EVALUATION, TABLE, "a")
    # (3 · 0.8 + 1 · 0.4) / 4
    assert (found[SAME], found[CROSS]) == pytest.approx((0.9, 0.7))


def test_load_bias_compares_mean_loads_of_network_and_own_source():
    # Means 3.0 and 2.5.
    assert collect_evaluation_metrics(EVALUATION, TABLE, "a")[BIAS] == pytest.approx(0.2)


def test_a_consensus_is_compared_with_all_raters():
    assert collect_evaluation_metrics(EVALUATION, TABLE, "majority") == {SAME: 0.7, CROSS: 0.6}


def test_what_has_no_case_or_an_empty_reference_is_left_out():
    assert collect_evaluation_metrics(EVALUATION, TABLE, "b") == {CROSS: pytest.approx(0.2)}
    assert collect_evaluation_metrics(EVALUATION, TABLE, "c") == {}


def test_relabelling_counts_cases_whose_masks_differ_and_their_voxels():
    cases = {
        "turned": {"has_map": True, "changed_count": 7, "is_kept": False},
        "turned too": {"has_map": True, "changed_count": 5, "is_kept": False},
        "as it was": {"has_map": True, "changed_count": 0, "is_kept": False},
        "left alone": {"has_map": True, "changed_count": 900, "is_kept": True},
        "without a map": {"has_map": False},
    }
    provenance = Provenance(operation="relabel", parents={}, parameters={"source": "a"}, cases=cases)
    assert collect_relabelling_metrics(provenance) == {
        "overread_relabelling_changed_cases": 2,
        "overread_relabelling_changed_voxels": 12,
    }
