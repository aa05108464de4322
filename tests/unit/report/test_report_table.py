import math
import re

import pytest
from pages import Page, check_markup

from overread.evaluation.results import Interval
from overread.report.formatting import format_confidence, format_interval
from overread.report.page import render_page
from overread.report.table import Cell, Column, KeyFigure, Table, fill_figure, show_interval

GAIN = Interval(estimate=0.088, low=0.051, high=0.125)
HOSTILE = '"><script>alert(1)</script>&'


@pytest.fixture
def draw(tmp_path):
    """Draw a value by one macro of the page kit, without the white space between tags."""

    def draw(macro, value):
        template = tmp_path / "part.html.j2"
        template.write_text(f'{{% import "macros.html.j2" as show %}}{{{{ show.{macro}(value) }}}}')
        return re.sub(r"\s*\n\s*", "", render_page(template, {"value": value}))

    return draw


def test_a_table_is_drawn_with_its_headings_rows_and_scroll_box(draw):
    table = Table(
        label="Loads",
        columns=["Source", Column("Cases", "number"), "Digest"],
        rows=[["a", "12", Cell("4f5e", "code")], [Cell("b", notes=("second",)), Cell("not read", span=2)]],
        caption="Loads of all",
        style="dense",
    )
    assert draw("table", table) == (
        '<div class="scroll" tabindex="0" role="region" aria-label="Loads">'
        '<table class="dense"><caption>Loads of all</caption>'
        '<thead><tr><th scope="col">Source</th><th scope="col" class="number">Cases</th>'
        '<th scope="col">Digest</th></tr></thead><tbody>'
        '<tr><th scope="row">a</th><td class="number">12</td><td><code>4f5e</code></td></tr>'
        '<tr><th scope="row">b<span class="rule">second</span></th><td colspan="2">not read</td></tr>'
        "</tbody></table></div>"
    )


def test_what_a_table_holds_is_escaped(draw):
    cells = [
        Cell(HOSTILE, notes=(HOSTILE,)),
        Cell(HOSTILE, "figure", (HOSTILE,), background=HOSTILE),
        Cell(HOSTILE, "code"),
        Cell(HOSTILE, "verdict", mark=HOSTILE),
        Cell(kind="cases", case_ids=(HOSTILE,)),
        HOSTILE,
    ]
    html = draw("table", Table(HOSTILE, [HOSTILE] * 6, [cells], caption=HOSTILE, style=HOSTILE))
    page = Page(html)
    check_markup(page)
    assert page.text.count("<script>alert(1)</script>&") == 6 + 1 + 8
    assert "<script>" not in html


def test_a_cell_of_an_interval_has_the_estimate_above_its_bounds(draw):
    table = Table(
        "Gains", ["Labels", "Gain", "Unknown"], [["x", fill_figure(GAIN, "n = 4"), fill_figure(None, "none")]]
    )
    html = draw("table", table)
    assert '<td class="figure-cell"><b>0.088</b><span>0.051 to 0.125</span><span>n = 4</span></td>' in html
    assert '<td class="figure-cell"><b>–</b><span>none</span></td>' in html


def test_marks_and_shades_of_cells_reach_the_style_sheet(draw):
    row = ["x", Cell("0.9", "figure", mark="own", background="#96c4e2"), Cell("borne out", "verdict", mark="borne-out")]
    html = draw("table", Table("Agreement", ["", "a", "Verdict"], [row]))
    assert '<td class="figure-cell own" style="background:#96c4e2"><b>0.9</b></td>' in html
    assert '<td><span class="verdict borne-out">borne out</span></td>' in html


def test_rows_of_a_group_stand_below_its_heading(draw):
    table = Table("AUC", ["Features", Column("AUC", "number")], [[Cell("Single", "group", span=2)], ["x", "0.7"]])
    assert (
        '<tbody><tr><th scope="colgroup" colspan="2">Single</th></tr>'
        '<tr><th scope="row">x</th><td class="number">0.7</td></tr></tbody>'
    ) in draw("table", table)


def test_a_number_can_stand_out_in_its_column(draw):
    row = ["x", Cell("0.7", "number", is_bold=True)]
    assert '<td class="number"><b>0.7</b></td>' in draw("table", Table("AUC", ["", "AUC"], [row]))


def test_the_heading_of_a_row_can_stand_in_a_later_column_and_lead_to_a_part_of_the_page(draw):
    row = ["1", Cell("case & x", anchor="case-1")]
    table = Table("Cases", [Column("Rank", "number"), "Case"], [row], heading=1)
    assert ('<tr><td class="number">1</td><th scope="row"><a href="#case-1">case &amp; x</a></th></tr>') in draw(
        "table", table
    )


def test_columns_of_a_group_stand_below_its_heading(draw):
    columns = ["Pair", Column("raters", "number", "Order"), Column("networks", group="Order"), Column("Effect")]
    html = draw("table", Table("Loads", columns, []))
    assert html[html.index("<thead>") : html.index("<tbody>")] == (
        '<thead><tr><th scope="col" rowspan="2">Pair</th><th scope="colgroup" colspan="2">Order</th>'
        '<th scope="col" rowspan="2">Effect</th></tr>'
        '<tr><th scope="col" class="number">raters</th><th scope="col">networks</th></tr></thead>'
    )


def test_an_index_in_braces_stands_below_the_line(draw):
    html = draw(
        "table", Table("Dice", ["What", "D_{clean} / D_{noisy}", "a_b"], [[Cell("x", notes=("D_{<i>}",)), "_{", ""]])
    )
    assert '<th scope="col">D<sub>clean</sub> / D<sub>noisy</sub></th><th scope="col">a_b</th>' in html
    assert '<span class="rule">D<sub>&lt;i&gt;</sub></span></th><td>_{</td>' in html


def test_a_table_without_rows_says_so(draw):
    assert '<tbody><tr><td colspan="2">None yet.</td></tr></tbody>' in draw(
        "table", Table("Trainings", ["Network", "Fold"], [], empty="None yet.")
    )
    assert "<tbody></tbody>" in draw("table", Table("Trainings", ["Network", "Fold"], []))


def test_a_row_must_fill_the_columns():
    with pytest.raises(ValueError, match="covers 1 of 2 columns"):
        Table("Trainings", ["Network", "Fold"], [["a"]])


def test_key_figures_stand_with_their_notes(draw):
    figures = [*show_interval("Gain", GAIN, "of <a>"), *show_interval("Unknown", None), KeyFigure("Cases", "12")]
    assert draw("keys", figures) == (
        '<dl class="keys"><div><dt>Gain</dt><dd>0.088<small>0.051 to 0.125</small>'
        "<small>of &lt;a&gt;</small></dd></div>"
        "<div><dt>Cases</dt><dd>12</dd></div></dl>"
    )


def test_an_interval_is_written_on_one_line():
    assert format_interval(GAIN) == "0.088 (0.051 to 0.125)"
    assert format_interval(Interval(estimate=0.5, low=math.nan, high=math.nan)) == "0.500 (interval unknown)"
    assert format_interval(None) == "–"
    assert [format_confidence(value) for value in (0.95, 0.995)] == ["95 %", "99.5 %"]
