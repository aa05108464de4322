import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from overread.evaluation.confounding import (
    MISSING,
    bin_values,
    compute_cramers_v,
    compute_guess_rate,
    measure_confounding,
)


def test_a_column_that_names_the_class_has_v_of_one() -> None:
    assert compute_cramers_v(list("aabb"), list("xxyy"))[0] == pytest.approx(1)


def test_independent_columns_have_v_of_zero() -> None:
    assert compute_cramers_v(list("abab"), list("xxyy")) == (0, 0)


def test_v_of_a_table_worked_out_by_hand() -> None:
    # Rows (30, 10) and (10, 30): expected 20 everywhere, χ² = 4 × 100 / 20 = 20, φ² = 20 / 80, V = 0.5.
    # Corrected: φ² - 1/79 = 0.237342; each side 2 - 1/79 - 1 = 0.987342; V = √(0.237342 / 0.987342) = 0.490290.
    values, labels = ["a"] * 40 + ["b"] * 40, ["x"] * 30 + ["y"] * 10 + ["x"] * 10 + ["y"] * 30
    plain, corrected = compute_cramers_v(values, labels)
    assert plain == pytest.approx(0.5)
    assert corrected == pytest.approx(0.490290, abs=1e-6)


def test_the_correction_takes_away_what_chance_gives() -> None:
    generator = np.random.default_rng(0)
    values = [str(value) for value in generator.integers(0, 20, 60)]
    labels = [str(label) for label in generator.integers(0, 2, 60)]
    plain, corrected = compute_cramers_v(values, labels)
    assert plain > 0.45
    assert corrected < 0.2


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xy")), min_size=4, max_size=40))
def test_v_is_symmetric_and_lies_between_zero_and_one(pairs: list[tuple[str, str]]) -> None:
    values, labels = [a for a, _ in pairs], [b for _, b in pairs]
    if min(len(set(values)), len(set(labels))) > 1:
        found = compute_cramers_v(values, labels)
        assert found == pytest.approx(compute_cramers_v(labels, values), abs=1e-6)
        assert all(0 <= v <= 1 for v in found)


def test_a_guess_never_uses_the_subject_itself() -> None:
    # Every subject has a value of its own: the guess is the most frequent class of the others, x for y and y for x.
    assert compute_guess_rate(list("abcd"), list("xxyy"), list("1234")) == 0
    # Two subjects per value: each is guessed from the other one.
    assert compute_guess_rate(list("aabb"), list("xxyy"), list("1234")) == 1
    # The two cases of a value are of one subject, so nothing is known from it.
    assert compute_guess_rate(list("aabb"), list("xxyy"), list("1122")) == 0


def test_many_numbers_are_cut_at_their_quartiles_and_empty_cells_stay_apart() -> None:
    values, is_binned = bin_values([str(number) for number in range(1, 13)] + [""])
    assert is_binned
    assert values == ["bin 0"] * 3 + ["bin 1"] * 3 + ["bin 2"] * 3 + ["bin 3"] * 3 + [MISSING]


def test_few_numbers_and_texts_stay_as_they_are() -> None:
    assert bin_values(["1", "5", "1"]) == (["1", "5", "1"], False)
    assert bin_values([*map(str, range(12)), "B31f"])[1] is False


def test_columns_are_listed_by_strength_and_useless_ones_are_left_out() -> None:
    pairs = zip("aabb" * 5, "htht" * 5, strict=True)
    rows = [{"site": site, "file": f"{i}.dcm", "model": "m", "coin": coin} for i, (site, coin) in enumerate(pairs)]
    found = measure_confounding(rows, list("xxyy" * 5), [str(index) for index in range(20)])
    assert [one.column for one in found.columns] == ["site", "coin"]
    assert [one.column for one in found.strong] == ["site"]
    assert found.columns[0].guess_rate == 1
    assert found.skipped == {"file": "a value of its own for most cases", "model": "one value only"}
