import pytest
from report_builders import build_inputs, build_training, summarise

from overread.questions.rater_bias.page.agreement_tables import build_panels
from overread.questions.rater_bias.page.gallery import choose_cases
from overread.questions.rater_bias.page.tables import list_coverage
from overread.questions.rater_bias.page.training_summary import sort_trainings, summarise_trainings
from overread.report.palette import INK, SOURCE_COLOURS, assign_colours, compute_contrast, shade_cell


@pytest.fixture
def inputs(tmp_path):
    return build_inputs(tmp_path)


def panel_of(evaluation, key):
    return next(panel for panel in build_panels(evaluation, noun="rater") if panel.measure.key == key)


def test_networks_stand_in_rows_and_raters_in_columns_with_the_own_pair_framed(inputs):
    table = panel_of(inputs.evaluation, "dice").tables[0]
    assert table.columns == ["network of", "ann", "ben"]
    assert [[cell.text for cell in row] for row in table.body] == [["ann", "0.873", "0.716"], ["ben", "0.716", "0.873"]]
    assert [[cell.mark for cell in row] for row in table.body] == [["", "own", ""], ["", "", "own"]]
    assert table.body[0][1].notes == ("± 0.042", "n = 4")


def test_each_pair_of_raters_and_of_networks_stands_once(inputs):
    _, raters, networks = panel_of(inputs.evaluation, "dice").tables
    for table in (raters, networks):
        assert table.columns[1:] == ["ben"]
        assert [[cell.text for cell in row] for row in table.body] == [["ann", "0.716"]]


def test_infinite_distances_are_counted_beside_the_mean(inputs):
    entry = summarise("network-ann", "ben", "hd95", mean=3.25, case_count=3, infinite_count=2)
    evaluation = inputs.evaluation.model_copy(update={"matrix": (entry,)})
    cell = panel_of(evaluation, "hd95").tables[0].rows[0][2]
    assert (cell.text, cell.notes) == ("3.25", ("± 0.04", "n = 3", "+ 2 infinite"))


def test_a_mean_that_does_not_exist_is_a_dash_with_its_count(inputs):
    entry = summarise("network-ann", "ann", "assd", mean=None, std=None, median=None, case_count=0, infinite_count=4)
    evaluation = inputs.evaluation.model_copy(update={"matrix": (entry,)})
    cell = panel_of(evaluation, "assd").tables[0].rows[0][1]
    assert (cell.text, cell.notes) == ("–", ("n = 0", "+ 4 infinite"))


def test_darker_is_closer_for_overlap_and_for_distance(inputs):
    near = summarise("network-ann", "ann", "hd95", mean=1.0)
    far = summarise("network-ann", "ben", "hd95", mean=9.0)
    evaluation = inputs.evaluation.model_copy(update={"matrix": (near, far)})
    _, own, other = panel_of(evaluation, "hd95").tables[0].rows[0]
    assert (own.background, other.background) == (shade_cell(1), shade_cell(0))
    _, own, other = panel_of(inputs.evaluation, "dice").tables[0].rows[0]
    assert (own.background, other.background) == (shade_cell(1), shade_cell(0))


def test_a_consensus_is_a_further_column_and_a_mixed_network_a_further_row(inputs):
    extra = (summarise("network-ann", "majority", "dice"), summarise("network-mixed", "ann", "dice"))
    evaluation = inputs.evaluation.model_copy(update={"matrix": (*inputs.evaluation.matrix, *extra)})
    table = panel_of(evaluation, "dice").tables[0]
    assert table.columns[1:] == ["ann", "ben", "majority"]
    assert [row[0] for row in table.rows] == ["ann", "ben", "mixed"]


def test_a_measure_without_numbers_has_no_panel(inputs):
    evaluation = inputs.evaluation.model_copy(update={"matrix": (summarise("network-ann", "ann", "dice"),)})
    assert [panel.measure.key for panel in build_panels(evaluation, noun="rater")] == ["dice"]


def test_missing_and_empty_cases_are_listed_for_source_and_network(inputs):
    evaluation = inputs.evaluation.model_copy(
        update={
            "missing_cases": {"ann": ("c01",), "network-ben": ("c03",)},
            "empty_cases": {"ben": ("c00",), "network-ann": ("c02", "c03")},
        }
    )
    ann, ben = list_coverage(evaluation)
    assert (ann.labelled_count, ann.missing, ann.empty, ann.network_empty) == (3, ("c01",), (), ("c02", "c03"))
    assert (ben.labelled_count, ben.network_missing, ben.empty) == (4, ("c03",), ("c00",))


def test_cases_of_least_median_and_best_agreement_are_chosen():
    chosen = choose_cases({"a": 0.9, "b": 0.2, "c": 0.5, "d": 0.7, "e": 0.6})
    assert [(case.case_id, case.reason) for case in chosen] == [
        ("b", "least agreement"),
        ("e", "median agreement"),
        ("a", "best agreement"),
    ]


def test_the_lower_of_two_middle_cases_is_the_median():
    assert [case.case_id for case in choose_cases({"a": 0.1, "b": 0.2, "c": 0.3, "d": 0.4})] == ["a", "b", "d"]


@pytest.mark.parametrize(("agreement", "expected"), [({}, []), ({"a": 0.5}, ["a"]), ({"b": 0.5, "a": 0.5}, ["a", "b"])])
def test_no_case_is_chosen_twice(agreement, expected):
    assert [case.case_id for case in choose_cases(agreement)] == expected


def test_trainings_are_summed_up_per_source_in_the_order_of_the_sources(inputs):
    trainings = [build_training(inputs.study, source, repeat) for source in ("ben", "ann") for repeat in (1, 0)]
    first, second = summarise_trainings(trainings, ("ann", "ben"))
    assert (first.labels, second.labels) == ("ann", "ben")
    assert (first.network_count, first.fold_count, first.repeat_count) == (2, 1, 2)
    assert first.train_counts == (2, 2)
    assert first.duration_seconds == 190.0
    assert [result.job.name for result in sort_trainings(trainings, ("ann", "ben"))] == [
        "unet-ann-fold0-repeat0",
        "unet-ann-fold0-repeat1",
        "unet-ben-fold0-repeat0",
        "unet-ben-fold0-repeat1",
    ]


def test_colours_stay_with_their_place_and_repeat_after_eight():
    colours = assign_colours([f"s{number}" for number in range(9)])
    assert len(set(SOURCE_COLOURS)) == 8
    assert colours["s8"] == colours["s0"] == SOURCE_COLOURS[0]


@pytest.mark.parametrize("strength", [0.0, 0.5, 1.0, 7.0])
def test_text_on_every_shade_keeps_the_contrast_that_wcag_asks_for(strength):
    assert compute_contrast(INK, shade_cell(strength)) >= 7
    assert compute_contrast("#333e4a", shade_cell(strength)) >= 4.5


def test_contrast_of_black_and_white_is_21():
    assert compute_contrast("#000000", "#ffffff") == pytest.approx(21)
