import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from overread.questions.acquisition_bias.probe_loop import PackageRecord, apply_package, sample_package
from overread.questions.acquisition_bias.probe_settings import ProbeImageSettings

SETTINGS = ProbeImageSettings(side=16, slices=3, flip_rows=True)
STACK = np.arange(5 * 2 * 2, dtype=np.float16).reshape(5, 2, 2)


@given(st.integers(3, 20), st.integers(0, 99))
def test_slices_of_a_package_are_different_and_in_order(count: int, seed: int) -> None:
    record = sample_package(SETTINGS, count, np.random.default_rng(seed), flips=True)
    assert len(set(record.slices)) == 3
    assert list(record.slices) == sorted(record.slices)
    assert set(record.slices) <= set(range(count))


def test_a_case_of_one_slice_gives_it_in_every_channel() -> None:
    assert sample_package(SETTINGS, 1, np.random.default_rng(0), flips=False).slices == (0, 0, 0)


def test_a_case_of_two_slices_gives_both() -> None:
    assert set(sample_package(SETTINGS, 2, np.random.default_rng(0), flips=False).slices) == {0, 1}


def test_held_out_packages_are_not_flipped() -> None:
    records = [sample_package(SETTINGS, 5, np.random.default_rng(seed), flips=False) for seed in range(20)]
    assert not any(record.flip_rows or record.flip_columns for record in records)


def test_flips_are_drawn_where_the_settings_ask_for_them() -> None:
    only_columns = ProbeImageSettings(side=16)
    records = [sample_package(only_columns, 5, np.random.default_rng(seed), flips=True) for seed in range(40)]
    assert {record.flip_columns for record in records} == {True, False}
    assert not any(record.flip_rows for record in records)


@pytest.mark.parametrize(
    ("record", "first"),
    [
        (PackageRecord((1, 4)), [[4, 5], [6, 7]]),
        (PackageRecord((1, 4), flip_rows=True), [[6, 7], [4, 5]]),
        (PackageRecord((1, 4), flip_columns=True), [[5, 4], [7, 6]]),
    ],
)
def test_a_record_cuts_the_same_package_again(record: PackageRecord, first: list[list[int]]) -> None:
    package = apply_package(STACK, record)
    assert package.shape == (2, 2, 2)
    assert package.dtype == np.float32
    assert package[0].tolist() == first
    assert np.array_equal(apply_package(STACK, record), package)
