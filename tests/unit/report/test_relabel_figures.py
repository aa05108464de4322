from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from relabel_builders import AFTER, BEFORE, build_epochs, build_plain, build_watched
from report_builders import build_mask

from overread.questions.relabel.page.figures import (
    BETTER_COLOUR,
    CHANGE_COLOUR,
    CONTINUED_COLOUR,
    PLAIN_COLOUR,
    SAME_COLOUR,
    WATCHED_COLOUR,
    WORSE_COLOUR,
    RepairedCase,
    average_trainings,
    choose_colour,
    draw_label_repairs,
    draw_relabelled_outlines,
    draw_uncertainty_curve,
    list_changes,
    locate_dice,
)
from overread.questions.relabel.page.gallery import choose_examples
from overread.report.slice_view import SliceView
from overread.study.label_set import LabelSet
from overread.study.rasters import write_mask


@pytest.fixture
def watched():
    return build_watched("polygon-3", "tta", 0, has_clean=True)


@pytest.fixture
def plain():
    return build_plain("polygon-3", "none", 0, has_clean=True)


def test_changes_are_relative_to_the_epoch_before(watched):
    # ΣU 100 90 45 40 38
    assert list_changes(watched.watched) == [
        (2, pytest.approx(-0.1)),
        (3, pytest.approx(-0.5)),
        (4, pytest.approx(-1 / 9)),
        (5, pytest.approx(-0.05)),
    ]


def test_a_change_needs_the_uncertainty_of_both_epochs():
    epochs = build_epochs(BEFORE, [100.0, None, 50.0, 40.0, None], True)
    assert list_changes(epochs) == [(4, pytest.approx(-0.2))]
    assert list_changes(epochs[:1]) == []


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0.1, 1000), min_size=2, max_size=8))
def test_changes_lead_from_the_first_to_the_last_uncertainty(totals):
    changes = list_changes(build_epochs([(0.5, 0.5)] * len(totals), totals, True))
    assert [epoch for epoch, _ in changes] == list(range(2, len(totals) + 1))
    assert totals[0] * np.prod([1 + change for _, change in changes]) == pytest.approx(totals[-1])


def test_epochs_after_relabelling_follow_the_chosen_one(watched):
    assert locate_dice(watched.continued, "clean", start=watched.chosen_epoch) == [(4, 0.72), (5, 0.78)]
    assert locate_dice(watched.watched, "noisy")[0] == (1, 0.40)
    assert locate_dice(build_epochs(AFTER, [None] * 2, has_clean=False), "clean") == []


def test_folds_are_averaged_where_all_of_them_have_an_epoch():
    assert average_trainings([[(1, 0.5), (2, 0.7), (3, 0.9)], [(2, 0.5), (3, 0.7)]]) == [
        (2, pytest.approx(0.6)),
        (3, pytest.approx(0.8)),
    ]
    assert average_trainings([]) == []


def test_the_curve_has_both_panels_and_says_what_was_chosen(watched, plain):
    figure = draw_uncertainty_curve([watched], [plain], title="polygon-3")
    for colour in (PLAIN_COLOUR, WATCHED_COLOUR, CONTINUED_COLOUR, CHANGE_COLOUR):
        assert f"stroke: {colour}" in figure.svg
    assert figure.alt == (
        "polygon-3. fold 0, repeat 0: relabelled after epoch 3 of 5, ΣU changed there by −50.0 %, Dice with clean "
        "labels 0.700 there, 0.780 at the end, Dice with noisy labels 0.660 there, 0.620 at the end."
    )
    assert "relative change of ΣU" in figure.svg
    assert "validation Dice" in figure.svg


def test_a_panel_without_values_is_left_out(watched):
    def change(**lists):
        epochs = [epoch.model_copy(update=lists) for epoch in watched.watched]
        return watched.model_copy(update={"watched": tuple(epochs), "continued": ()})

    without_change = draw_uncertainty_curve([change(cumulative_uncertainty=None)], [], title="a")
    without_dice = draw_uncertainty_curve([change(clean_dice=None, noisy_dice=None)], [], title="b")
    assert "change of ΣU" not in without_change.svg
    assert "validation Dice" not in without_dice.svg
    assert without_change.height_px < draw_uncertainty_curve([watched], [], title="c").height_px
    nothing = change(clean_dice=None, noisy_dice=None, cumulative_uncertainty=None)
    assert draw_uncertainty_curve([nothing], [], title="d") is None
    assert draw_uncertainty_curve([], [], title="e") is None


def test_every_case_is_drawn_in_the_colour_of_its_change():
    cases = [RepairedCase("a", 0.6, 0.8), RepairedCase("b", 0.5, 0.4), RepairedCase("c", 0.7, 0.7)]
    assert [choose_colour(case) for case in cases] == [BETTER_COLOUR, WORSE_COLOUR, SAME_COLOUR]
    figure = draw_label_repairs(cases, title="polygon-3")
    assert figure.alt == (
        "polygon-3. Label Dice of 3 cases before and after relabelling: 1 better, 1 worse, 1 unchanged. Differences "
        "run from −0.100 (case b) to 0.200 (case a)."
    )
    places = [figure.svg.index(colour) for colour in (WORSE_COLOUR, BETTER_COLOUR, SAME_COLOUR)]
    # Worst labels first: b 0.5, a 0.6, c 0.7.
    assert all(first < second for first, second in pairwise(places))


def test_outlines_say_how_much_each_mask_covers():
    masks = {"clean": build_mask(2, size=6), "noisy": build_mask(2, size=9), "relabelled": build_mask(2, size=7)}
    view = SliceView(np.zeros((24, 20), np.float32), masks, 1.0, 1.0)
    figure = draw_relabelled_outlines(view, title="Case a")
    assert figure.alt == (
        "Case a. Pixels covered in this view: the clean mask 36, the noisy mask 81, the relabelled mask 49. "
        "Relabelling changed 32 pixels of it."
    )
    alone = draw_relabelled_outlines(SliceView(view.image, {"noisy": masks["noisy"]}, 1.0, 1.0), title="Case a")
    assert alone.alt == "Case a. Pixels covered in this view: the noisy mask 81."
    empty = {"noisy": masks["noisy"], "relabelled": np.zeros((24, 20), np.bool_)}
    emptied = draw_relabelled_outlines(SliceView(view.image, empty, 1.0, 1.0), title="Case a")
    assert "Relabelling changed 81 pixels" in emptied.alt


def test_cases_without_an_outlined_noisy_mask_are_passed_over(tmp_path):
    noisy = LabelSet("noisy", tmp_path, ".png")
    for case_id in "abcde":
        mask = build_mask(2, size=4) if case_id in "abd" else np.zeros((24, 20), np.bool_)
        write_mask(noisy.path(case_id), mask, None)
    assert choose_examples(list("abcde"), noisy, "gain") == {"d": "largest gain", "b": "median gain", "a": "least gain"}
    assert choose_examples(["c", "e", "unlabelled"], noisy, "gain") == {}
    assert choose_examples(["a"], noisy, "gain") == {"a": "largest gain"}
