"""Bars of a and b voxels from one end: Dice is 2 min(a, b) / (a + b), a voxel is 0.01 ml."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from overread.errors import InputError
from overread.evaluation.matters import Matters
from overread.evaluation.results import LoadOrder, MetricSummary
from overread.evaluation.significance import compute_two_sample_p
from overread.questions.rater_bias.cross_evaluation import CrossEvaluationTables, cross_evaluate
from overread.questions.rater_bias.repeat_scores import REPEAT_COLUMNS, RepeatMasks
from overread.questions.rater_bias.results import CrossEvaluation
from overread.study.label_set import LabelSet
from overread.study.rasters import write_mask
from overread.study.study import Study
from overread.types import Mask

Lengths = Mapping[str, Mapping[str, int]]
Evaluate = Callable[..., CrossEvaluationTables]
MakeLabelSet = Callable[[str, Mapping[str, int]], LabelSet]

CASES = ("p1-a", "p2-a", "p3-a", "p4-a")
LABELS = {"ann": {"p1-a": 2, "p2-a": 2, "p3-a": 3, "p4-a": 1}, "bob": {"p1-a": 4, "p2-a": 3, "p3-a": 3}}
PREDICTIONS = {
    "ann": {"p1-a": 2, "p2-a": 2, "p3-a": 2, "p4-a": 0},
    "bob": {"p1-a": 4, "p2-a": 4, "p3-a": 3, "p4-a": 5},
}
SIX = tuple(f"p{number}-a" for number in range(6))
"""Two cases in each of three folds."""


def assign_folds(cases: tuple[str, ...]) -> dict[str, int]:
    return {case_id: place % 3 for place, case_id in enumerate(cases)}


def repeat_once(sets: Mapping[str, LabelSet], cases: tuple[str, ...] = CASES) -> list[RepeatMasks]:
    """Every network was trained once, so that its masks are those of all its repeats."""
    return [RepeatMasks(source, 0, masks, assign_folds(cases)) for source, masks in sets.items()]


@pytest.fixture
def evaluate(make_study: Callable[..., Study], make_label_set: MakeLabelSet) -> Evaluate:
    def run(
        labels: Lengths,
        predictions: Lengths,
        *further: Lengths,
        raters: tuple[str, ...] = (),
        cases: tuple[str, ...] = CASES,
    ) -> CrossEvaluationTables:
        """Evaluate; the masks of all repeats together are `predictions`, as are those of repeat 0."""
        study = make_study(labels, cases)
        sets = {source: make_label_set(source, lengths) for source, lengths in predictions.items()}
        repeats = repeat_once(sets, cases)
        for number, lengths_of in enumerate(further, start=1):
            repeats += [
                RepeatMasks(source, number, make_label_set(f"{source}-repeat{number}", lengths), assign_folds(cases))
                for source, lengths in lengths_of.items()
            ]
        return cross_evaluate(study, list(predictions), sets, repeats, raters=raters, seed=3)

    return run


def fill(cases: tuple[str, ...], **lengths: int) -> Lengths:
    """The same length in all cases."""
    return {source: dict.fromkeys(cases, length) for source, length in lengths.items()}


def find(evaluation: CrossEvaluation, prediction: str, reference: str, metric: str = "dice") -> MetricSummary:
    key = (prediction, reference, metric)
    (found,) = [entry for entry in evaluation.matrix if (entry.prediction, entry.reference, entry.metric) == key]
    return found


def test_every_pair_of_label_sets_is_compared_once_on_its_common_cases(evaluate: Evaluate) -> None:
    table = evaluate(LABELS, PREDICTIONS).comparisons
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
    evaluation = evaluate(LABELS, PREDICTIONS).evaluation
    between = find(evaluation, "ann", "bob")  # 4/6, 4/5, 6/6
    assert between.mean == pytest.approx((2 / 3 + 0.8 + 1) / 3)
    assert between.median == pytest.approx(0.8)
    assert between.std == pytest.approx(math.sqrt(((2 / 3 - 37 / 45) ** 2 + (0.8 - 37 / 45) ** 2 + (8 / 45) ** 2) / 2))
    assert (between.case_count, between.infinite_count) == (3, 0)
    assert find(evaluation, "network-bob", "bob").mean == pytest.approx((1 + 6 / 7 + 1) / 3)
    assert find(evaluation, "network-ann", "network-bob").mean == pytest.approx((2 / 3 + 2 / 3 + 0.8) / 3)
    assert len(evaluation.matrix) == (1 + 4 + 1) * 4


def test_infinite_distances_are_left_out_of_the_mean_and_counted(evaluate: Evaluate) -> None:
    evaluation = evaluate(LABELS, PREDICTIONS).evaluation
    assd = find(evaluation, "network-ann", "ann", "assd")  # 0, 0, bars 2 and 3: (0 + 0 + 0 + 0 + 1) / 5, infinite
    assert assd.mean == pytest.approx(0.2 / 3)
    assert (assd.case_count, assd.infinite_count) == (3, 1)
    dice = find(evaluation, "network-ann", "ann")
    assert dice.mean == pytest.approx((1 + 1 + 0.8 + 0) / 4)
    assert (dice.case_count, dice.infinite_count) == (4, 0)


def test_missing_and_empty_masks_are_listed(evaluate: Evaluate) -> None:
    evaluation = evaluate(LABELS, PREDICTIONS).evaluation
    assert evaluation.missing_cases == {"ann": (), "bob": ("p4-a",)}
    assert evaluation.empty_cases == {"ann": (), "bob": (), "network-ann": ("p4-a",), "network-bob": ()}


def test_the_gap_is_taken_per_case_over_cases_with_both_kinds_of_dice(evaluate: Evaluate) -> None:
    evaluation = evaluate(LABELS, PREDICTIONS).evaluation
    same = [1.0, (1 + 6 / 7) / 2, (0.8 + 1) / 2]
    cross = [2 / 3, (0.8 + 2 / 3) / 2, (0.8 + 1) / 2]
    assert evaluation.cross_dice is not None
    assert evaluation.dice_gap is not None
    assert evaluation.same_dice.estimate == pytest.approx(sum(same) / 3)
    assert evaluation.cross_dice.estimate == pytest.approx(sum(cross) / 3)
    assert evaluation.dice_gap.estimate == pytest.approx((sum(same) - sum(cross)) / 3)
    assert (evaluation.dice_gap.subject_count, evaluation.dice_gap.obstacle) == (3, "few subjects")
    assert evaluation.verdict == "cannot tell"


def test_every_repeat_is_scored_by_itself_against_every_source(evaluate: Evaluate) -> None:
    second = {"ann": {"p1-a": 3, "p4-a": 2}, "bob": {"p1-a": 2, "p2-a": 3}}
    scores = evaluate(LABELS, PREDICTIONS, second).scores
    assert tuple(scores.columns) == REPEAT_COLUMNS
    assert len(scores) == (4 + 3) + (3 + 3) + (2 + 1) + (2 + 2)
    of_case = scores[(scores["case_id"] == "p1-a") & (scores["repeat"] == 1)]
    rows = of_case.drop(columns=["case_id", "subject_id", "repeat"]).itertuples(index=False, name=None)
    assert list(rows) == [
        ("ann", "ann", 0, pytest.approx(4 / 5), pytest.approx(0.03), pytest.approx(0.02)),
        ("ann", "bob", 0, pytest.approx(6 / 7), pytest.approx(0.03), pytest.approx(0.04)),
        ("bob", "ann", 0, pytest.approx(1.0), pytest.approx(0.02), pytest.approx(0.02)),
        ("bob", "bob", 0, pytest.approx(2 / 3), pytest.approx(0.02), pytest.approx(0.04)),
    ]


def test_the_answer_comes_from_single_repeats_and_allows_for_their_luck(evaluate: Evaluate) -> None:
    """Repeat 0 takes over its rater, a gap of 1 - 2/3; repeat 1 lies between both, a gap of 0, in every case.

    Their variance is (1/3)²/2 in each fold, with 3 degrees of freedom, and that of the mean of all six trainings a
    sixth of it; t(.975, 3) is 3.1824.
    """
    labels = fill(SIX, ann=2, bob=4)
    found = evaluate(labels, labels, fill(SIX, ann=3, bob=3), cases=SIX).evaluation
    assert found.dice_gap is not None
    assert found.dice_gap.estimate == pytest.approx(1 / 6)
    assert found.dice_gap.run_std == pytest.approx(math.sqrt(1 / 18))
    assert found.dice_gap.low == pytest.approx(1 / 6 - 3.1824 * math.sqrt(1 / 108), abs=1e-5)
    assert (found.dice_gap.fold_count, found.dice_gap.repeat_count) == (3, 2)
    assert found.verdict == "cannot tell"
    (pair,) = found.pairs
    assert (pair.dice_gap, pair.p_holm, pair.verdict) == (found.dice_gap, found.dice_gap.p_value, "cannot tell")
    assert find(found, "network-ann", "ann").mean == 1  # The masks of all repeats together are only looked at.


def test_repeats_that_agree_are_a_yes(evaluate: Evaluate) -> None:
    labels = fill(SIX, ann=2, bob=4)
    found = evaluate(labels, labels, labels, cases=SIX).evaluation
    assert found.dice_gap is not None
    assert (found.dice_gap.low, found.dice_gap.high) == pytest.approx((1 / 3, 1 / 3))
    assert (found.verdict, found.pairs[0].verdict) == ("yes", "yes")


def test_a_difference_that_is_too_small_to_matter_is_none(
    make_study: Callable[..., Study], make_label_set: MakeLabelSet
) -> None:
    labels = fill(SIX, ann=2, bob=4)
    study, sets = make_study(labels, SIX), {name: make_label_set(name, lengths) for name, lengths in labels.items()}
    repeats = repeat_once(sets, SIX)
    found = cross_evaluate(study, ["ann", "bob"], sets, repeats, matters=Matters(dice=0.34)).evaluation
    assert (found.verdict, found.pairs[0].verdict) == ("no difference that matters", "no difference that matters")


def test_networks_that_mark_everything_have_learnt_too_little_whatever_their_difference(
    make_study: Callable[..., Study], make_label_set: MakeLabelSet
) -> None:
    """Everything is 120 voxels: Dice 4/122 with bars of 2, 8/124 with bars of 4; the raters agree at 2/3."""
    labels = fill(SIX, ann=2, bob=4)
    study, sets = make_study(labels, SIX), {name: make_label_set(name, lengths) for name, lengths in labels.items()}
    for masks in sets.values():
        for case_id in SIX:
            write_mask(masks.path(case_id), np.ones((6, 5, 4), np.bool_), study.read_affine(case_id))
    found = cross_evaluate(study, ["ann", "bob"], sets, repeat_once(sets, SIX)).evaluation
    skill = found.skills["ann"]
    assert (skill.own, skill.guess, skill.raters) == pytest.approx((4 / 122, 4 / 122, 2 / 3))
    assert skill.value == pytest.approx(0)
    assert (found.verdict, found.pairs[0].verdict) == ("learnt too little", "learnt too little")
    assert found.pairs[0].effect == "learnt too little"


def test_the_skill_of_a_source_counts_all_repeats_of_its_networks(evaluate: Evaluate) -> None:
    labels = fill(SIX, ann=2, bob=4)
    skill = evaluate(labels, labels, fill(SIX, ann=3, bob=3), cases=SIX).evaluation.skills["ann"]
    assert skill.own == pytest.approx((1 + 4 / 5) / 2)
    assert skill.raters == pytest.approx(2 / 3)


def test_the_test_of_the_paper_pools_all_values(evaluate: Evaluate) -> None:
    evaluation = evaluate(LABELS, PREDICTIONS).evaluation
    same = [1, 1, 0.8, 0, 1, 6 / 7, 1]
    cross = [2 / 3, 0.8, 0.8, 2 / 3, 2 / 3, 1]
    assert evaluation.two_sample_p == pytest.approx(compute_two_sample_p(same, cross))


def test_a_pair_of_sources_shows_order_and_size_of_their_loads(evaluate: Evaluate) -> None:
    (pair,) = evaluate(LABELS, PREDICTIONS).evaluation.pairs
    assert (pair.first, pair.second, pair.case_count) == ("ann", "bob", 3)
    assert pair.source_order == LoadOrder(below=2, equal=1, above=0)
    assert pair.network_order == LoadOrder(below=3, equal=0, above=0)
    assert pair.source_loads.bias == pytest.approx(0.01 * (2 + 1 + 0) / 3)
    assert pair.network_loads.bias == pytest.approx(0.01 * (2 + 2 + 1) / 3)


def test_three_partial_sources_are_compared_where_they_overlap(evaluate: Evaluate) -> None:
    labels = {
        "ann": {"p1-a": 1, "p2-a": 2, "p3-a": 3},
        "bob": {"p1-a": 2, "p2-a": 2, "p3-a": 4, "p4-a": 2},
        "cid": {"p4-a": 4},
    }
    found = evaluate(labels, labels)
    evaluation, table = found.evaluation, found.comparisons
    assert evaluation.missing_cases == {"ann": ("p4-a",), "bob": (), "cid": ("p1-a", "p2-a", "p3-a")}
    assert find(evaluation, "ann", "cid").case_count == 0
    assert find(evaluation, "ann", "cid").mean is None
    assert find(evaluation, "bob", "cid").std is None
    assert [(pair.first, pair.second) for pair in evaluation.pairs] == [("ann", "bob"), ("bob", "cid")]
    assert math.isnan(evaluation.pairs[1].source_loads.std)
    assert len(table) == (3 + 1) + (3 + 4 + 1) + 2 * (3 + 1) + (3 + 1)


def test_one_source_has_no_cross_source_dice(evaluate: Evaluate) -> None:
    found = evaluate({"ann": LABELS["ann"]}, {"ann": PREDICTIONS["ann"]})
    evaluation, table = found.evaluation, found.comparisons
    assert evaluation.same_dice.estimate == pytest.approx((1 + 1 + 0.8 + 0) / 4)
    assert (evaluation.cross_dice, evaluation.dice_gap, evaluation.pairs) == (None, None, ())
    assert (evaluation.two_sample_p, evaluation.verdict) == (None, "cannot tell")
    assert evaluation.skills["ann"].raters is None
    assert len(table) == 4


def test_a_network_without_a_held_out_mask_is_listed_and_its_pair_shrinks(evaluate: Evaluate) -> None:
    predictions = {"ann": PREDICTIONS["ann"], "bob": {"p1-a": 4, "p2-a": 4}}
    evaluation = evaluate(LABELS, predictions).evaluation
    assert evaluation.missing_cases == {"ann": (), "bob": ("p4-a",), "network-bob": ("p3-a",)}
    assert find(evaluation, "ann", "bob").case_count == 3
    (pair,) = evaluation.pairs
    assert pair.case_count == pair.source_dice.case_count == pair.source_order.case_count == 2


def test_the_result_survives_json(evaluate: Evaluate) -> None:
    text = evaluate(LABELS, PREDICTIONS).evaluation.model_dump_json()
    assert CrossEvaluation.model_validate_json(text).model_dump_json() == text


def test_several_processes_find_the_same(
    make_study: Callable[..., Study], make_label_set: Callable[..., LabelSet]
) -> None:
    study = make_study(LABELS, CASES)
    sets = {source: make_label_set(source, lengths) for source, lengths in PREDICTIONS.items()}
    alone = cross_evaluate(study, ["ann", "bob"], sets, repeat_once(sets))
    shared = cross_evaluate(study, ["ann", "bob"], sets, repeat_once(sets), workers=2)
    assert shared.evaluation.model_dump_json() == alone.evaluation.model_dump_json()
    pd.testing.assert_frame_equal(shared.comparisons, alone.comparisons)
    pd.testing.assert_frame_equal(shared.scores, alone.scores)


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
    cross_evaluate(study, ["ann", "bob"], {**sets, "ann": recording}, repeat_once(sets))
    assert recording.reads[0] == list(CASES)


def test_cases_can_be_restricted(make_study: Callable[..., Study], make_label_set: Callable[..., LabelSet]) -> None:
    study = make_study(LABELS, CASES)
    sets = {source: make_label_set(source, lengths) for source, lengths in PREDICTIONS.items()}
    found = cross_evaluate(study, ["ann", "bob"], sets, repeat_once(sets), case_ids=["p2-a", "p3-a"])
    evaluation, table = found.evaluation, found.comparisons
    assert evaluation.case_ids == ("p2-a", "p3-a")
    assert evaluation.missing_cases == {"ann": (), "bob": ()}
    assert set(table["case_id"]) == set(found.scores["case_id"]) == {"p2-a", "p3-a"}


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


def test_every_source_needs_predictions_and_repeats(
    make_study: Callable[..., Study], make_label_set: MakeLabelSet
) -> None:
    study = make_study(LABELS, CASES)
    sets = {source: make_label_set(source, lengths) for source, lengths in PREDICTIONS.items()}
    of_ann = {"ann": sets["ann"]}
    with pytest.raises(
        InputError, match="one set of predictions per source, got predictions for ann; sources ann, bob"
    ):
        cross_evaluate(study, ["ann", "bob"], of_ann, repeat_once(sets))
    with pytest.raises(InputError, match="at least one repeat per source, got those of ann; sources ann, bob"):
        cross_evaluate(study, ["ann", "bob"], sets, repeat_once(of_ann))


CONSENSUS = {"p1-a": 3, "p2-a": 3, "p3-a": 3, "p4-a": 1}


def test_a_consensus_is_in_the_matrix_but_not_in_what_is_said_of_the_raters(evaluate: Evaluate) -> None:
    tables = evaluate({**LABELS, "con": CONSENSUS}, {**PREDICTIONS, "con": CONSENSUS}, raters=("ann", "bob"))
    found = tables.evaluation
    pairs = [("network-ann", "bob"), ("network-bob", "ann")]
    cross = tables.comparisons.set_index(["prediction", "reference"]).sort_index().loc[pairs]
    assert (found.sources, found.raters, found.consensus) == (("ann", "bob", "con"), ("ann", "bob"), ("con",))
    assert [(pair.first, pair.second) for pair in found.pairs] == [("ann", "bob")]
    assert list(found.rater_skills) == ["ann", "bob"]
    assert found.cross_dice is not None
    assert found.cross_dice.estimate == pytest.approx(cross.groupby("case_id")["dice"].mean().mean())
    assert find(found, "network-con", "con").mean == 1


def test_networks_are_compared_with_all_raters_on_the_cases_that_all_of_them_labelled(evaluate: Evaluate) -> None:
    """Dice of the consensus with ann: 4/5, 4/5, 1; with bob: 6/7, 1, 1; the fourth case has no mask by bob.

    Of the network of ann: with ann 1, 1, 4/5; with bob 2/3, 4/5, 4/5.
    """
    tables = evaluate({**LABELS, "con": CONSENSUS}, {**PREDICTIONS, "con": CONSENSUS}, raters=("ann", "bob"))
    found, dice = tables.evaluation, ((4 / 5 + 6 / 7) / 2 + (4 / 5 + 1) / 2 + 1) / 3
    assert list(found.rater_dice) == ["ann", "bob", "con"]
    assert found.rater_dice["con"].estimate == pytest.approx(dice)
    assert [(one.consensus, one.rater) for one in found.consensus_gains] == [("con", "ann"), ("con", "bob")]
    of_ann = ((1 + 2 / 3) / 2 + (1 + 4 / 5) / 2 + 4 / 5) / 3
    assert found.consensus_gains[0].gain.estimate == pytest.approx(dice - of_ann)
    assert found.consensus_gains[0].verdict == "cannot tell"


def test_the_gain_of_a_consensus_is_judged_like_any_difference(evaluate: Evaluate) -> None:
    """Dice with both raters: of bars of 3 (4/5 + 6/7) / 2, of bars of 2 or 4 (1 + 2/3) / 2: 0.829 and 0.833."""
    labels = fill(SIX, ann=2, bob=4, con=3)
    found = evaluate(labels, labels, labels, raters=("ann", "bob"), cases=SIX).evaluation
    gain = found.consensus_gains[0]
    assert gain.gain.estimate == pytest.approx((4 / 5 + 6 / 7) / 2 - (1 + 2 / 3) / 2)
    assert gain.verdict == "no difference that matters"


def test_without_a_consensus_there_is_nothing_to_compare_with_all_raters(evaluate: Evaluate) -> None:
    found = evaluate(LABELS, PREDICTIONS).evaluation
    assert (found.rater_dice, found.consensus_gains) == ({}, ())


def test_pairs_are_corrected_for_their_number(evaluate: Evaluate) -> None:
    """Bob's network changes between repeats, so that two of three pairs have a p above 0; the smaller counts twice."""
    labels = fill(SIX, ann=2, bob=4, cid=6)
    found = evaluate(labels, labels, fill(SIX, ann=2, bob=5, cid=6), cases=SIX).evaluation
    p = [pair.dice_gap.p_value for pair in found.pairs if pair.dice_gap.p_value is not None]
    corrected = [pair.p_holm for pair in found.pairs if pair.p_holm is not None]
    assert len(p) == len(corrected) == 3
    assert min(p) == 0 < sorted(p)[1]
    assert sorted(corrected)[1] == pytest.approx(2 * sorted(p)[1])
