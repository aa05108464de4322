import re
import xml.etree.ElementTree as ElementTree
from urllib.parse import unquote

import numpy as np
import pytest
from report_builders import build_estimate, build_pair

from overread.questions.rater_bias.page.figures import (
    draw_bland_altman,
    draw_gap_forest,
    draw_load_bars,
    draw_paired_dice,
    order_by_gap,
    order_by_load,
)
from overread.questions.rater_bias.page.per_case import CaseDice
from overread.report.figures.outlines import draw_outlines, shrink_image, trace_outline
from overread.report.palette import assign_colours
from overread.report.slice_view import SliceView

LOADS = {
    "ann": {"c0": 5.0, "c1": 1.0, "c2": 9.0},
    "ben": {"c0": 7.0, "c1": 2.0},
    "network-ann": {"c0": 4.0, "c1": 1.0, "c2": 8.0},
    "network-ben": {"c0": 9.0, "c1": 3.0},
}
DICE = {
    "ann": {"c0": CaseDice(0.9, 0.8), "c1": CaseDice(0.9, 0.5), "c2": CaseDice(0.7, None)},
    "ben": {"c0": CaseDice(0.8, 0.9), "c1": CaseDice(0.9, 0.7)},
}
COLOURS = assign_colours(("ann", "ben"))


def texts_of(figure):
    """Texts of a figure; fails where it is not well-formed XML."""
    root = ElementTree.fromstring(figure.svg)
    return [node.text for node in root.iter("{http://www.w3.org/2000/svg}text")]


def draw_all():
    mask = np.zeros((40, 30), np.bool_)
    mask[10:20, 8:22] = True
    view = SliceView(np.arange(1200, dtype=np.float32).reshape(40, 30), {"ann": mask}, 1.0, 2.0)
    pair = build_pair("ann", "ben", 2)
    plot = draw_bland_altman(pair, LOADS, unit="ml")
    return [
        draw_paired_dice(DICE, COLOURS, noun="rater"),
        draw_load_bars(LOADS, COLOURS, unit="ml"),
        plot.sources,
        plot.networks,
        draw_gap_forest([("all pairs", pair.dice_gap), ("ann and ben", pair.dice_gap)]),
        draw_outlines(view, COLOURS, line="solid", title="Case c0"),
    ]


def test_equal_input_gives_equal_bytes():
    assert [figure.svg for figure in draw_all()] == [figure.svg for figure in draw_all()]


def test_figures_name_no_date_program_or_address():
    for figure in draw_all():
        assert "<metadata" not in figure.svg
        assert not re.search(r"href=\"http|Matplotlib|\d{4}-\d\d-\d\d", figure.svg)


def test_a_data_uri_decodes_to_the_figure():
    for figure in draw_all():
        kind, _, content = figure.data_uri.partition(",")
        assert kind == "data:image/svg+xml"
        assert unquote(content) == figure.svg
        assert not set(content) & set("<>\"'#&")


def test_cases_are_ordered_by_mean_load_of_the_sources():
    assert order_by_load(LOADS, ("ann", "ben")) == ["c1", "c0", "c2"]
    assert [text for text in texts_of(draw_all()[1]) if text in LOADS["ann"]] == ["c1", "c0", "c2"]


def test_cases_are_ordered_by_mean_gap_and_those_without_come_last():
    # c0: (0.1 - 0.1) / 2 = 0, c1: (0.4 + 0.2) / 2 = 0.3, c2: none.
    assert order_by_gap(DICE) == ["c1", "c0", "c2"]


def test_the_alternative_of_the_paired_plot_counts_the_pairs():
    assert "In 3 of 4 pairs the filled mark" in draw_all()[0].alt


def test_the_alternative_of_bland_altman_carries_bias_and_limits():
    sources, networks = draw_all()[2:4]
    assert "ben minus ann: bias 10.0 ml, 95 % limits of agreement 6.08 to 13.9 ml, 2 cases" in sources.alt
    assert "Network of ben minus network of ann: bias 20.0 ml" in networks.alt


def test_both_bland_altman_plots_have_equal_axes():
    sources, networks = draw_all()[2:4]
    assert texts_of(sources) == texts_of(networks)


def test_many_cases_make_a_wide_figure_of_equal_height():
    few, many = (
        draw_load_bars({"ann": {f"c{n:02d}": 1.0 + n for n in range(count)}}, assign_colours(["ann"]), unit="ml")
        for count in (10, 80)
    )
    assert many.width_px > 3 * few.width_px
    assert many.height_px == few.height_px


def test_names_with_markup_or_formulas_are_shown_as_they_are():
    name = "<b>a&b</b> $x^2$"
    figure = draw_gap_forest([(name, build_estimate(0.1, 0.0, 0.2))])
    assert name in texts_of(figure)


def test_an_unknown_interval_is_drawn_as_a_mark_alone():
    figure = draw_gap_forest([("all pairs", build_estimate(0.1, float("nan"), float("nan")))])
    assert "0.100 (interval unknown)" in figure.alt


def test_a_single_case_has_a_plot_without_limits():
    loads = {name: {"c0": load["c0"]} for name, load in LOADS.items()}
    pair = build_pair("ann", "ben", 1)
    unknown = pair.source_loads.model_copy(update={"std": np.nan, "lower_limit": np.nan, "upper_limit": np.nan})
    plot = draw_bland_altman(pair.model_copy(update={"source_loads": unknown}), loads, unit="ml")
    assert "limits of agreement – to –" in plot.sources.alt


def test_an_outline_runs_around_the_mask_between_voxel_centres():
    mask = np.zeros((10, 12), np.bool_)
    mask[2:5, 3:9] = True
    (polygon,) = trace_outline(mask, tolerance=0.0)
    assert polygon.min(axis=0).tolist() == [1.5, 2.5]
    assert polygon.max(axis=0).tolist() == [4.5, 8.5]
    np.testing.assert_array_equal(polygon[0], polygon[-1])


def test_an_outline_at_the_edge_of_the_image_is_closed():
    (polygon,) = trace_outline(np.ones((4, 5), np.bool_), tolerance=0.0)
    np.testing.assert_array_equal(polygon[0], polygon[-1])
    assert (polygon.min(), polygon[:, 0].max(), polygon[:, 1].max()) == (-0.5, 3.5, 4.5)


def test_an_empty_mask_has_no_outline_and_is_said_to_be_empty():
    view = SliceView(np.zeros((8, 8), np.float32), {"ann": np.zeros((8, 8), np.bool_)}, 1.0, 1.0)
    figure = draw_outlines(view, COLOURS, line="solid", title="Case c0")
    assert figure.alt == "Case c0. ann is empty here; ben has no mask of this case."


def test_outlines_keep_the_proportions_of_the_voxels():
    # 10 rows of 1 mm and 10 columns of 2 mm: twice as wide as high.
    view = SliceView(np.zeros((10, 10), np.float32), {}, 1.0, 2.0)
    figure = draw_outlines(view, {}, line="solid", title="Case c0")
    assert figure.width_px == pytest.approx(2 * figure.height_px, abs=1)


def test_networks_are_dashed_and_sources_are_not():
    mask = np.zeros((12, 12), np.bool_)
    mask[3:8, 3:8] = True
    view = SliceView(np.zeros((12, 12), np.float32), {"ann": mask}, 1.0, 1.0)
    solid, dashed = (
        draw_outlines(view, {"ann": "#0072b2"}, line=line, title="Case c0").svg for line in ("solid", "dashed")
    )
    assert "stroke-dasharray" in dashed
    assert "stroke-dasharray" not in solid
    assert "#0072b2" in solid


def test_shrinking_averages_blocks_and_drops_the_rest():
    image = np.array([[1, 3, 9], [5, 7, 9], [9, 9, 9]], np.float32)
    np.testing.assert_array_equal(shrink_image(image, 2), [[4.0]])
