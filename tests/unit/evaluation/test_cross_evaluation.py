"""Bars of a and b voxels from one end: Dice is 2 min(a, b) / (a + b), a voxel is 0.01 ml."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pandas as pd
import pytest

from overread.errors import InputError
from overread.evaluation.results import LoadOrder, MetricSummary
from overread.evaluation.significance import compute_paired_p, compute_two_sample_p
from overread.questions.rater_bias.cross_evaluation import cross_evaluate
from overread.questions.rater_bias.results import CrossEvaluation
from overread.study.label_set import LabelSet
from overread.study.study import Study
from overread.types import Mask

Lengths = Mapping[str, Mapping[str, int]]
Evaluate = Callable[..., tuple[CrossEvaluation, pd.DataFrame]]

CASES = ("p1-a", "p2-a", "p3-a", "p4-a")
LABELS = {"ann": {"p1-a": 2, "p2-a": 2, "p3-a": 3, "p4-a": 1}, "bob": {"p1-a": 4, "p2-a": 3, "p3-a": 3}}
PREDICTIONS = {
    "ann": {"p1-a": 2, "p2-a": 2, "p3-a": 2, "p4-a": 0},
    "bob": {"p1-a": 4, "p2-a": 4, "p3-a": 3, "p4-a": 5},
}


@pytest.fixture
def evaluate(make_study: Callable[..., Study], make_label_set: Callable[..., LabelSet]) -> Evaluate:
    def run(
        labels: Lengths,
        predictions: Lengths,
        *,
        raters: tuple[str, ...] = (),
        cases: tuple[str, ...] = CASES,
        workers: int = 1,
    ) -> tuple[CrossEvaluation, pd.DataFrame]:
        study = make_study(labels, cases)
        sets = {source: make_label_set(source, lengths) for source, lengths in predictions.items()}
        return cross_evaluate(study, list(predictions), sets, raters=raters, seed=3, workers=workers)

    return run


def find(evaluation: CrossEvaluation, prediction: str, reference: str, metric: str = "dice") -> MetricSummary:
    key = (prediction, reference, metric)
    (found,) = [entry for entry in evaluation.matrix if (entry.prediction, entry.reference, entry.metric) == key]
    return found


def test_every_pair_of_label_sets_is_compared_once_on_its_common_cases(evaluate: Evaluate) -> None:
    _, table = evaluate(LABELS, PREDICTIONS)
    rows = list(table[["prediction", "reference", "case_id"]].itertuples(index=False, name=None))
    three = ("p1-a", "p2-a", "p3-a")
    assert rows == [
        *(("ann", "bob", case) for case in three),
        *(("network-ann", "ann", case) for case in CASES),
        *(("network-ann", "bob", case) for case in three),
        *(("network-bob", "ann", case) for case in three),
        *(("network-bob", "bob", case) for case in three),
        *(("network-ann", "network-bob", case) for case in three),
    ]


def test_the_matrix_shows_mean_spread_and_number_of_cases(evaluate: Evaluate) -> None:
    evaluation, _ = evaluate(LABELS, PREDICTIONS)
    between = find(evaluation, "ann", "bob")  # 4/6, 4/5, 6/6
    assert between.mean == pytest.approx((2 / 3 + 0.8 + 1) / 3)
    assert between.median == pytest.approx(0.8)
    assert between.std == pytest.approx(math.sqrt(((2 / 3 - 37 / 45) ** 2 + (0.8 - 37 / 45) ** 2 + (8 / 45) ** 2) / 2))
    assert (between.case_count, between.infinite_count) == (3, 0)
    assert find(evaluation, "network-bob", "bob").mean == pytest.approx((1 + 6 / 7 + 1) / 3)
    assert find(evaluation, "network-ann", "network-bob").mean == pytest.approx((2 / 3 + 2 / 3 + 0.8) / 3)
    assert len(evaluation.matrix) == (1 + 4 + 1) * 4


def test_infinite_distances_are_left_out_of_the_mean_and_counted(evaluate: Evaluate) -> None:
    evaluation, _ = evaluate(LABELS, PREDICTIONS)
    assd = find(evaluation, "network-ann", "ann", "assd")  # 0, 0, bars 2 and 3: (0 + 0 + 0 + 0 + 1) / 5, infinite
    assert assd.mean == pytest.approx(0.2 / 3)
    assert (assd.case_count, assd.infinite_count) == (3, 1)
    dice = find(evaluation, "network-ann", "ann")
    assert dice.mean == pytest.approx((1 + 1 + 0.8 + 0) / 4)
    assert (dice.case_count, dice.infinite_count) == (4, 0)


def test_missing_and_empty_masks_are_listed(evaluate: Evaluate) -> None:
    evaluation, _ = evaluate(LABELS, PREDICTIONS)
    assert evaluation.missing_cases == {"ann": (), "bob": ("p4-a",)}
    assert evaluation.empty_cases == {"ann": (), "bob": (), "network-ann": ("p4-a",), "network-bob": ()}


def test_the_gap_is_taken_per_case_over_cases_with_both_kinds_of_dice(evaluate: Evaluate) -> None:
    evaluation, _ = evaluate(LABELS, PREDICTIONS)
    same = [1.0, (1 + 6 / 7) / 2, (0.8 + 1) / 2]
    cross = [2 / 3, (0.8 + 2 / 3) / 2, (0.8 + 1) / 2]
    assert evaluation.cross_dice is not None
    assert evaluation.dice_gap is not None
    assert evaluation.same_dice.estimate == pytest.approx(sum(same) / 3)
    assert evaluation.cross_dice.estimate == pytest.approx(sum(cross) / 3)
    assert evaluation.dice_gap.estimate == pytest.approx((sum(same) - sum(cross)) / 3)
    assert evaluation.dice_gap.low == pytest.approx(0.0)  # the third case drawn three times: 1 in 27 samples
    assert evaluation.paired_p == pytest.approx(compute_paired_p(same, cross))


def test_the_two_sample_test_pools_all_values(evaluate: Evaluate) -> None:
    evaluation, _ = evaluate(LABELS, PREDICTIONS)
    same = [1, 1, 0.8, 0, 1, 6 / 7, 1]
    cross = [2 / 3, 0.8, 0.8, 2 / 3, 2 / 3, 1]
    assert evaluation.two_sample_p == pytest.approx(compute_two_sample_p(same, cross))


def test_a_pair_of_sources_shows_how_networks_amplify_their_difference(evaluate: Evaluate) -> None:
    (pair,) = evaluate(LABELS, PREDICTIONS)[0].pairs
    assert (pair.first, pair.second, pair.case_count) == ("ann", "bob", 3)
    assert pair.source_order == LoadOrder(below=2, equal=1, above=0)
    assert pair.network_order == LoadOrder(below=3, equal=0, above=0)
    assert pair.consistency_growth == pytest.approx(1 / 3)
    assert pair.source_loads.bias == pytest.approx(0.01 * (2 + 1 + 0) / 3)
    assert pair.network_loads.bias == pytest.approx(0.01 * (2 + 2 + 1) / 3)
    assert pair.paired_p_holm is None


def test_an_order_that_turns_round_is_no_growth(evaluate: Evaluate) -> None:
    labels = {"ann": {"p1-a": 1, "p2-a": 1}, "bob": {"p1-a": 2, "p2-a": 2}}
    predictions = {"ann": {"p1-a": 3, "p2-a": 3}, "bob": {"p1-a": 2, "p2-a": 4}}
    (pair,) = evaluate(labels, predictions, cases=CASES[:2])[0].pairs
    assert pair.consistency_growth == pytest.approx(1 / 2 - 1)


def test_three_partial_sources_are_compared_where_they_overlap(evaluate: Evaluate) -> None:
    labels = {
        "ann": {"p1-a": 1, "p2-a": 2, "p3-a": 3},
        "bob": {"p1-a": 2, "p2-a": 2, "p3-a": 4, "p4-a": 2},
        "cid": {"p4-a": 4},
    }
    evaluation, table = evaluate(labels, labels)
    assert evaluation.missing_cases == {"ann": ("p4-a",), "bob": (), "cid": ("p1-a", "p2-a", "p3-a")}
    assert find(evaluation, "ann", "cid").case_count == 0
    assert find(evaluation, "ann", "cid").mean is None
    assert find(evaluation, "bob", "cid").std is None
    assert [(pair.first, pair.second) for pair in evaluation.pairs] == [("ann", "bob"), ("bob", "cid")]
    first, second = evaluation.pairs
    # Of the two pairs one has a test (three cases), the other has none (a single case): nothing to correct for.
    assert first.paired_p_holm == first.paired_p is not None
    assert second.paired_p is None
    assert math.isnan(second.source_loads.std)
    assert len(table) == (3 + 1) + (3 + 4 + 1) + 2 * (3 + 1) + (3 + 1)


def test_one_source_has_no_cross_source_dice(evaluate: Evaluate) -> None:
    evaluation, table = evaluate({"ann": LABELS["ann"]}, {"ann": PREDICTIONS["ann"]})
    assert evaluation.same_dice.estimate == pytest.approx((1 + 1 + 0.8 + 0) / 4)
    assert (evaluation.cross_dice, evaluation.dice_gap, evaluation.pairs) == (None, None, ())
    assert (evaluation.two_sample_p, evaluation.paired_p) == (None, None)
    assert len(table) == 4


def test_a_network_without_a_held_out_mask_is_listed_and_its_pair_shrinks(evaluate: Evaluate) -> None:
    predictions = {"ann": PREDICTIONS["ann"], "bob": {"p1-a": 4, "p2-a": 4}}
    evaluation, _ = evaluate(LABELS, predictions)
    assert evaluation.missing_cases == {"ann": (), "bob": ("p4-a",), "network-bob": ("p3-a",)}
    assert find(evaluation, "ann", "bob").case_count == 3
    (pair,) = evaluation.pairs
    assert pair.case_count == pair.source_dice.case_count == pair.source_order.case_count == 2


def test_the_result_survives_json(evaluate: Evaluate) -> None:
    evaluation, _ = evaluate(LABELS, PREDICTIONS)
    assert CrossEvaluation.model_validate_json(evaluation.model_dump_json()) == evaluation


def test_several_processes_find_the_same(
    make_study: Callable[..., Study], make_label_set: Callable[..., LabelSet]
) -> None:
    study = make_study(LABELS, CASES)
    sets = {source: make_label_set(source, lengths) for source, lengths in PREDICTIONS.items()}
    alone, alone_table = cross_evaluate(study, ["ann", "bob"], sets)
    shared, shared_table = cross_evaluate(study, ["ann", "bob"], sets, workers=2)
    assert shared == alone
    pd.testing.assert_frame_equal(shared_table, alone_table)


@dataclass(frozen=True)
class RecordingLabelSet(LabelSet):
    reads: tuple[list[str]] = ([],)

    def read(self, case_id: str) -> Mask:
        self.reads[0].append(case_id)
        return super().read(case_id)

    def __hash__(self) -> int:
        return hash(self.name)


def test_a_mask_is_read_once_however_many_pairs_it_is_in(
    make_study: Callable[..., Study], make_label_set: Callable[..., LabelSet]
) -> None:
    study = make_study(LABELS, CASES)
    sets = {source: make_label_set(source, lengths) for source, lengths in PREDICTIONS.items()}
    recording = RecordingLabelSet("ann", sets["ann"].folder, ".nii.gz", ([],))
    cross_evaluate(study, ["ann", "bob"], {**sets, "ann": recording})
    assert recording.reads[0] == list(CASES)


def test_cases_can_be_restricted(make_study: Callable[..., Study], make_label_set: Callable[..., LabelSet]) -> None:
    study = make_study(LABELS, CASES)
    sets = {source: make_label_set(source, lengths) for source, lengths in PREDICTIONS.items()}
    evaluation, table = cross_evaluate(study, ["ann", "bob"], sets, case_ids=["p2-a", "p3-a"])
    assert evaluation.case_ids == ("p2-a", "p3-a")
    assert evaluation.missing_cases == {"ann": (), "bob": ()}
    assert set(table["case_id"]) == {"p2-a", "p3-a"}


@pytest.mark.parametrize(
    ("labels", "predictions", "message"),
    [
        ({}, {}, "at least one source"),
        ({"ann": {"p1-a": 1}}, {"bob": {"p1-a": 1}}, "a source must be one of the study, got 'bob'"),
        ({"ann": {"p1-a": 1}}, {"ann": {"p2-a": 1}}, "at least one case must have both a label and a held-out"),
        (
            {"ann": {"p1-a": 1}, "network-ann": {"p1-a": 1}},
            {"ann": {"p1-a": 1}, "network-ann": {"p1-a": 1}},
            "must not be named as a network is, got network-ann",
        ),
    ],
)
def test_what_cannot_be_evaluated_is_refused(
    evaluate: Evaluate, labels: Lengths, predictions: Lengths, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        evaluate(labels, predictions)


def test_every_source_needs_predictions(
    make_study: Callable[..., Study], make_label_set: Callable[..., LabelSet]
) -> None:
    study = make_study(LABELS, CASES)
    with pytest.raises(
        InputError, match="one set of predictions per source, got predictions for ann; sources ann, bob"
    ):
        cross_evaluate(study, ["ann", "bob"], {"ann": make_label_set("ann", PREDICTIONS["ann"])})


def test_a_consensus_is_in_the_matrix_but_not_in_what_is_said_of_the_raters(evaluate: Evaluate) -> None:
    consensus = {"p1-a": 3, "p2-a": 3, "p3-a": 3, "p4-a": 1}
    found, table = evaluate({**LABELS, "con": consensus}, {**PREDICTIONS, "con": consensus}, raters=("ann", "bob"))
    pairs = [("network-ann", "bob"), ("network-bob", "ann")]
    cross = table.set_index(["prediction", "reference"]).sort_index().loc[pairs]
    assert (found.sources, found.raters, found.consensus) == (("ann", "bob", "con"), ("ann", "bob"), ("con",))
    assert [(pair.first, pair.second, pair.paired_p_holm) for pair in found.pairs] == [("ann", "bob", None)]
    assert found.cross_dice is not None
    assert found.cross_dice.estimate == pytest.approx(cross.groupby("case_id")["dice"].mean().mean())
    assert find(found, "network-con", "con").mean == 1


def test_networks_are_compared_with_all_raters_on_the_cases_that_all_of_them_labelled(evaluate: Evaluate) -> None:
    """Dice of the consensus with ann: 4/5, 4/5, 1; with bob: 6/7, 1, 1; the fourth case has no mask by bob."""
    consensus = {"p1-a": 3, "p2-a": 3, "p3-a": 3, "p4-a": 1}
    found, _ = evaluate({**LABELS, "con": consensus}, {**PREDICTIONS, "con": consensus}, raters=("ann", "bob"))
    assert list(found.rater_dice) == ["ann", "bob", "con"]
    assert found.rater_dice["con"].estimate == pytest.approx(((4 / 5 + 6 / 7) / 2 + (4 / 5 + 1) / 2 + 1) / 3)


def test_without_a_consensus_there_is_nothing_to_compare_with_all_raters(evaluate: Evaluate) -> None:
    assert evaluate(LABELS, PREDICTIONS)[0].rater_dice == {}
