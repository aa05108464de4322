"""AUROC within folds: by hand, and how often regions are told where nothing, or something, tells the class."""

import math

import numpy as np
import pytest

from overread.questions.acquisition_bias.auroc import compute_auroc
from overread.questions.acquisition_bias.fold_aurocs import (
    compare_regions,
    compute_chance_std,
    compute_fold_aurocs,
    compute_rank_sum_p,
    compute_shuffle_p,
    count_classes_of_folds,
    judge_regions,
)
from overread.questions.acquisition_bias.package_scores import PackageScores

EVEN = np.full((5, 2), 2)
"""Two subjects of each class in each of five folds."""
REGIONS = ("whole", "outside", "body", "noise")


def make_scores(folds: list[int], labels: list[int], shares: list[list[float]]) -> PackageScores:
    """Each case is a subject; shares are the probabilities of class 1 in its packages."""
    names = tuple(f"c{index}" for index in range(len(folds)))
    of_first = np.array(shares)
    return PackageScores(names, names, np.array(folds), np.array(labels), np.stack([1 - of_first, of_first], axis=2))


def test_packages_are_averaged_and_only_cases_of_a_fold_are_compared() -> None:
    # Fold 0: 0.5 and 0.3 of class 1 against 0.4 and 0.2: three of four pairs. Fold 1: 0.9 against 0.95: none.
    scores = make_scores(
        [0, 0, 0, 0, 1, 1],
        [1, 1, 0, 0, 1, 0],
        [[0.4, 0.6], [0.3, 0.3], [0.1, 0.7], [0.2, 0.2], [0.9, 0.9], [1.0, 0.9]],
    )
    assert compute_fold_aurocs(scores).tolist() == pytest.approx([0.75, 0.0])


def test_a_fold_of_one_class_has_no_area_and_is_counted() -> None:
    scores = make_scores([0, 0, 1, 1, 2, 2, 3, 3], [0, 1] * 3 + [1, 1], [[0.2], [0.8]] * 3 + [[0.5], [0.6]])
    found = compute_fold_aurocs(scores)
    assert found[:3].tolist() == [1.0, 1.0, 1.0]
    assert math.isnan(found[3])
    test = judge_regions({"body": found}, count_classes_of_folds(scores, ("a", "b")))["body"]
    assert (test.by_fold, test.left_out, test.auroc.estimate) == ((1.0, 1.0, 1.0), 1, 1.0)


def test_of_three_classes_each_is_told_from_the_others() -> None:
    probabilities = np.array([[0.6, 0.3, 0.1], [0.2, 0.3, 0.5], [0.1, 0.1, 0.8]])[:, None]
    names = ("x", "y", "z")
    found = compute_fold_aurocs(PackageScores(names, names, np.zeros(3, int), np.arange(3), probabilities))
    # Class 0: 0.6 above both; class 1: 0.3 ties with one and beats one; class 2: 0.8 above both.
    assert found.tolist() == pytest.approx([(1 + 0.75 + 1) / 3])


def test_the_test_is_that_of_nadeau_and_bengio_by_hand() -> None:
    # Mean 0.7, variance (0.01 + 0 + 0.01) / 2; times 1/3 + 1/2: t = 0.2 / 0.091287 = 2.19089 with 2 df; 4.302653.
    test = judge_regions({"body": np.array([0.6, 0.7, 0.8])}, np.full((3, 2), 9))["body"]
    error = math.sqrt(0.01 * (1 / 3 + 1 / 2))
    t = 0.2 / error
    assert test.p == pytest.approx(0.5 * (1 - t / math.sqrt(2 + t**2)))
    assert (test.auroc.low, test.auroc.high) == pytest.approx((0.7 - 4.302653 * error, 1.0))
    assert test.p_holm == test.p
    assert (test.is_told, test.verdict) == (False, "cannot tell")


def test_p_values_are_corrected_over_the_regions() -> None:
    strong, weak = np.array([0.9, 0.95, 0.85, 0.9, 0.92]), np.array([0.4, 0.6, 0.55, 0.5, 0.45])
    found = judge_regions(dict(zip(REGIONS, [strong, weak, weak, weak], strict=True)), np.full((5, 2), 4))
    assert found["whole"].p_holm == pytest.approx(4 * found["whole"].p)
    assert [found[region].verdict for region in REGIONS] == ["told", *["cannot tell"] * 3]


def test_two_folds_leave_no_test() -> None:
    test = judge_regions({"body": np.array([1.0, 1.0])}, np.full((2, 2), 9))["body"]
    assert (test.p, test.p_holm, test.is_told) == (None, None, False)
    assert math.isnan(test.auroc.low)


def test_folds_that_are_alike_by_luck_are_no_small_spread() -> None:
    # A fold of two and two has variance 5 / 48: the mean of five has SD 0.1443, and 0.75 lies 1.732 of them above 0.5.
    assert compute_rank_sum_p(0.75, EVEN) == pytest.approx(0.0416323, abs=1e-6)
    test = judge_regions({"body": np.full(5, 0.75)}, EVEN)["body"]
    assert (test.p, test.is_told) == (pytest.approx(0.0416323, abs=1e-6), False)
    assert judge_regions({"body": np.ones(5)}, EVEN)["body"].is_told


def test_too_few_subjects_are_told_nothing() -> None:
    tests = [judge_regions({"body": np.ones(3)}, np.array([[2, 2], [3, 3], [2, n]]))["body"] for n in (3, 4)]
    assert [(test.p is None, test.is_told) for test in tests] == [(True, False), (False, True)]


def test_shuffles_count_the_true_classes_and_the_best_region() -> None:
    assert compute_shuffle_p(0.8, np.array([0.7, 0.8, 0.6])) == pytest.approx(2 / 4)
    observed = {"whole": np.array([0.9, 0.9, 0.9]), "body": np.array([0.6, 0.6, 0.6])}
    shuffled = {"whole": np.linspace(0.3, 0.5, 19), "body": np.linspace(0.4, 0.7, 19)}
    found = judge_regions(observed, np.full((3, 2), 1), shuffled=shuffled)
    assert (found["whole"].p_shuffled, found["whole"].is_told) == (pytest.approx(1 / 20), True)
    # The best region of a shuffle is the body: 0.4 to 0.7 in steps of 1/60 reaches 0.6 in 7 of 19.
    assert (found["body"].p_shuffled, found["body"].is_told) == (pytest.approx(8 / 20), False)


@pytest.mark.parametrize(
    ("left", "verdict"),
    [
        ([0.5, 0.55, 0.45, 0.5, 0.52], "falls"),
        ([0.98, 0.99, 0.97, 0.99, 0.98], "no difference that matters"),
        ([0.98, 0.2, 0.97, 0.5, 0.98], "cannot tell"),
    ],
)
def test_a_fall_is_judged_within_folds(left: list[float], verdict: str) -> None:
    by_fold = {"outside": np.array([0.97, 0.99, 0.96, 1.0, 0.98]), "body": np.array(left)}
    (fall,) = compare_regions(by_fold, [("outside", "body"), ("whole", "noise")], matters=0.1)
    assert (fall.seen, fall.left, fall.verdict) == ("outside", "body", verdict)
    assert fall.difference.estimate == pytest.approx(np.mean(by_fold["body"] - by_fold["outside"]))


def test_equal_regions_do_not_differ() -> None:
    same = {"outside": np.array([0.7, 0.8, 0.9]), "body": np.array([0.7, 0.8, 0.9])}
    (fall,) = compare_regions(same, [("outside", "body")], matters=0.1)
    assert (fall.p, fall.verdict) == (1.0, "no difference that matters")


def test_the_scatter_of_chance_by_hand() -> None:
    # A fold of 2 and 2: variance 5 / 48; of 1 and 3: 5 / 36. Mean of both times 1/2 + 1/1.
    counts = np.array([[2, 2], [1, 3], [0, 4]])
    assert compute_chance_std(counts) == pytest.approx(math.sqrt((5 / 48 + 5 / 36) / 2 * 1.5))
    assert math.isnan(compute_chance_std(counts[1:]))


def draw_features(
    generator: np.random.Generator, *, size: int, effect: float = 0.0, trials: int
) -> dict[str, np.ndarray]:
    """Six features of each subject, (trials, N, 6), correlated between regions; classes differ in the body alone."""
    common = generator.normal(size=(trials, size, 6))
    features = {region: 0.6 * common + 0.8 * generator.normal(size=common.shape) for region in REGIONS}
    features["body"][:, np.arange(size) % 2 == 1] += effect
    return features


def score_folds(features: np.ndarray, folds: int) -> np.ndarray:
    """AUROC within each fold, (trials, k), by the nearest mean of the other folds; every second subject is positive."""
    size = features.shape[1]
    labels, fold_of = np.arange(size) % 2, np.arange(size) // 2 % folds
    aurocs = np.empty((len(features), folds))
    for fold in range(folds):
        held_out = fold_of == fold
        means = [features[:, ~held_out & (labels == label)].mean(axis=1) for label in (0, 1)]
        scores = np.einsum("tnc,tc->tn", features[:, held_out], means[1] - means[0])
        positive, negative = scores[:, labels[held_out] == 1], scores[:, labels[held_out] == 0]
        aurocs[:, fold] = (positive[:, :, None] > negative[:, None]).mean(axis=(1, 2))
    return aurocs


def simulate(
    generator: np.random.Generator, *, size: int, folds: int, effect: float = 0.0, trials: int
) -> dict[str, np.ndarray]:
    """AUROC of four regions within each fold, (trials, k)."""
    features = draw_features(generator, size=size, effect=effect, trials=trials)
    return {region: score_folds(values, folds) for region, values in features.items()}


def count_told(studies: dict[str, np.ndarray], counts: np.ndarray) -> tuple[float, float]:
    """Share of studies in which any region is told, and in which the body is."""
    trials = len(studies["body"])
    judged = [
        judge_regions({region: values[trial] for region, values in studies.items()}, counts) for trial in range(trials)
    ]
    told = np.array([[one[region].is_told for region in REGIONS] for one in judged])
    return float(told.any(axis=1).mean()), float(told[:, 2].mean())


@pytest.mark.parametrize(("size", "folds"), [(20, 5), (24, 4), (40, 10)])
def test_any_of_four_regions_is_told_falsely_in_at_most_five_percent(size: int, folds: int) -> None:
    studies = simulate(np.random.default_rng(size + folds), size=size, folds=folds, trials=1000)
    any_told, _ = count_told(studies, np.full((folds, 2), size // folds // 2))
    # 4.8 % and three standard errors of 1000 studies.
    assert any_told <= 0.048 + 3 * math.sqrt(0.048 * 0.952 / 1000)


def test_a_region_that_tells_is_found() -> None:
    studies = simulate(np.random.default_rng(1), size=40, folds=10, effect=0.9, trials=200)
    assert studies["body"].mean() > 0.85
    _, body = count_told(studies, np.full((10, 2), 2))
    assert body > 0.8


def shuffle_and_judge(seed: int, *, effect: float, trials: int) -> np.ndarray:
    """Whether each region is told by 19 shuffles that retrain, (trials, 4), for 24 subjects and 4 folds."""
    generator = np.random.default_rng(seed)
    features = draw_features(generator, size=24, effect=effect, trials=trials)
    observed = {region: score_folds(values, 4) for region, values in features.items()}
    orders = [generator.permutation(24) for _ in range(19)]
    means = {
        region: np.array([score_folds(values[:, order], 4).mean(axis=1) for order in orders])
        for region, values in features.items()
    }
    judged = [
        judge_regions(
            {region: values[trial] for region, values in observed.items()},
            np.full((4, 2), 3),
            shuffled={region: values[:, trial] for region, values in means.items()},
        )
        for trial in range(trials)
    ]
    return np.array([[one[region].is_told for region in REGIONS] for one in judged])


def test_shuffles_that_retrain_hold_their_error_rate_and_find_more() -> None:
    by_chance = shuffle_and_judge(3, effect=0.0, trials=400).any(axis=1).mean()
    assert by_chance <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 400)
    found = shuffle_and_judge(4, effect=0.7, trials=100)[:, 2].mean()
    _, without = count_told(
        simulate(np.random.default_rng(4), size=24, folds=4, effect=0.7, trials=100), np.full((4, 2), 3)
    )
    assert found > without + 0.1


def test_the_band_of_chance_holds_simulated_studies() -> None:
    for size, folds in ((20, 5), (40, 5), (80, 5)):
        studies = simulate(np.random.default_rng(size), size=size, folds=folds, trials=500)
        simulated = float(np.std(studies["body"].mean(axis=1)))
        counts = np.full((folds, 2), size // folds // 2)
        independent = math.sqrt((size + 1) / (12 * (size / 2) ** 2))
        assert independent < simulated < compute_chance_std(counts)


def test_an_area_within_one_fold_is_that_of_its_cases() -> None:
    scores = make_scores([0] * 4, [1, 0, 1, 0], [[0.9], [0.5], [0.4], [0.1]])
    expected = compute_auroc(np.array([0.9, 0.5, 0.4, 0.1]), np.array([True, False, True, False]))
    assert compute_fold_aurocs(scores)[0] == expected == 0.75
