import pytest

from overread.evaluation.design import foresee


@pytest.mark.parametrize(("subjects", "folds", "repeats"), [(5, 5, 2), (18, 2, 1), (18, 2, 2), (18, 1, 4), (60, 10, 2)])
def test_a_design_without_a_valid_interval_finds_nothing(subjects: int, folds: int, repeats: int) -> None:
    assert foresee(subjects, folds=folds, repeats=repeats).smallest_detectable is None


@pytest.mark.parametrize(
    ("subjects", "folds", "repeats", "low", "high"),
    [(18, 3, 3, 0.03, 0.046), (35, 5, 2, 0.02, 0.036), (60, 3, 3, 0.018, 0.025), (18, 3, 1, 0.09, 0.13)],
)
def test_detectable_differences_are_those_of_simulated_studies(
    subjects: int, folds: int, repeats: int, low: float, high: float
) -> None:
    found = foresee(subjects, folds=folds, repeats=repeats).smallest_detectable
    assert found is not None
    assert low <= found <= high


def test_more_subjects_and_more_repeats_find_less() -> None:
    plain = foresee(18, folds=5, repeats=2).smallest_detectable
    assert plain is not None
    assert foresee(36, folds=5, repeats=2).smallest_detectable < plain  # type: ignore[operator]
    assert foresee(18, folds=5, repeats=4).smallest_detectable < plain  # type: ignore[operator]


def test_the_standard_error_adds_subjects_and_trainings() -> None:
    """Of 4 subjects' worth of spread 2 each and one split trained 5 times: SE² = 4 / 16 + 1 / 5."""
    found = foresee(16, folds=1, repeats=5, subject_std=2, run_std=1).smallest_detectable
    df = 0.45**2 / (0.25**2 / 15 + 0.2**2 / 4)
    from scipy import stats

    assert found == pytest.approx((stats.t.ppf(0.975, df) + stats.t.ppf(0.9, df)) * 0.45**0.5)
