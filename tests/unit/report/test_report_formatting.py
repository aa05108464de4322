import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from overread.evaluation.results import Interval
from overread.report.formatting import (
    choose_decimals,
    format_count,
    format_duration,
    format_load,
    format_number,
    format_p,
    format_percent,
    join_names,
    write_interval,
)


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        (0.8234, 3, "0.823"),
        (-0.0123, 3, "−0.012"),
        (-0.0001, 3, "0.000"),
        (1234567.0, 0, "1,234,567"),
        (-1234.5, 1, "−1,234.5"),
        (None, 3, "–"),
        (math.nan, 3, "–"),
        (math.inf, 3, "∞"),
        (-math.inf, 3, "−∞"),
    ],
)
def test_numbers_have_true_minus_signs_and_no_negative_zero(value, decimals, text):
    assert format_number(value, decimals) == text


@pytest.mark.parametrize(
    ("load", "text"),
    [
        (0.0, "0"),
        (0.01234, "0.0123"),
        (1.5, "1.50"),
        (12.345, "12.3"),
        (123.4, "123"),
        (15663.7, "15,664"),
        (None, "–"),
    ],
)
def test_loads_have_about_three_significant_digits(load, text):
    assert format_load(load) == text


def test_decimals_grow_until_a_small_bound_no_longer_reads_as_zero():
    assert choose_decimals(0.1, 0.05, 0.15) == 3
    assert choose_decimals(0.0006, 0.0002, 0.0009) == 4
    assert choose_decimals(0.0, 0.1) == 3
    assert choose_decimals(1e-9) == 6


def test_an_interval_that_excludes_zero_never_shows_a_bound_of_zero():
    written = write_interval(Interval(estimate=0.0006, low=0.0002, high=0.0009))
    assert written == ("0.0006", "0.0002 to 0.0009")


def test_an_interval_of_a_single_subject_is_said_to_be_unknown():
    written = write_interval(Interval(estimate=0.5, low=math.nan, high=math.nan))
    assert written == ("0.500", "interval unknown")


@pytest.mark.parametrize(
    ("p", "text"),
    [
        (0.0004, "p < 0.001"),
        (0.0123, "p = 0.012"),
        (0.38, "p = 0.38"),
        (None, "p not computed"),
        (math.nan, "p not computed"),
    ],
)
def test_p_values(p, text):
    assert format_p(p).replace("\u00a0", " ") == text


@pytest.mark.parametrize(
    ("share", "text"), [(1.0, "100 %"), (0.999, "over 99 %"), (0.0, "0 %"), (0.001, "under 1 %"), (15 / 21, "71 %")]
)
def test_percentages_are_100_or_0_only_when_exact(share, text):
    assert format_percent(share).replace("\u00a0", " ") == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (4.25, "4.2 s"),
        (42.4, "42 s"),
        (185, "3 min 5 s"),
        (180, "3 min"),
        (7800, "2 h 10 min"),
        (3605, "1 h"),
        (100800, "1 d 4 h"),
    ],
)
def test_durations_have_two_units_at_most(seconds, text):
    assert format_duration(seconds) == text


def test_counts_agree_with_their_noun():
    assert format_count(1, "case") == "1 case"
    assert format_count(1200, "case") == "1,200 cases"


def test_names_are_joined_as_in_a_sentence():
    assert [join_names(names) for names in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == [
        "",
        "a",
        "a and b",
        "a, b and c",
    ]


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e12, max_value=1e12), st.integers(0, 6))
def test_a_written_number_reads_back_to_within_half_a_last_digit(value, decimals):
    text = format_number(value, decimals)
    assert abs(float(text.replace("−", "-").replace(",", "")) - value) <= 0.5000001 * 10**-decimals + 1e-9 * abs(value)
