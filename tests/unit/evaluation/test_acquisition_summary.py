import pandas as pd
import pytest

from overread.errors import InputError
from overread.questions.acquisition_bias.evaluation import ProbeDesign, summarise_acquisition
from overread.questions.acquisition_bias.matching import Matching
from overread.questions.acquisition_bias.package_scores import index_scores
from overread.questions.acquisition_bias.probe_settings import ProbeMatchingSettings
from overread.questions.acquisition_bias.results import AcquisitionEvaluation
from overread.study.cases import Case

CLASSES = ("A", "B")
LABELS = {"1": "A", "2": "A", "3": "B", "4": "B"}
RIGHT = {"1": (0.9, 0.8), "2": (0.6, 0.4), "3": (0.1, 0.2), "4": (0.3, 0.7)}
"""Probability of A in two packages: case 2 is wrong in the second, case 4 in the second."""
UNSURE = dict.fromkeys(LABELS, (0.5, 0.5))


def make_scores(shuffle: int = 0, **variants: dict[str, tuple[float, float]]) -> pd.DataFrame:
    rows = [
        (variant, shuffle, 0, package, case_id, f"s{case_id}", LABELS[case_id], share, 1 - share)
        for variant, shares in variants.items()
        for case_id, pair in shares.items()
        for package, share in enumerate(pair)
    ]
    columns = ["variant", "shuffle", "fold", "package", "case_id", "subject_id", "label", "p:A", "p:B"]
    return pd.DataFrame(rows, columns=columns)


def make_design() -> ProbeDesign:
    matching = Matching(outcome="no-columns", columns=(), before=(), after=(), kept_share=1, dropped_cases=())
    return ProbeDesign(
        study="s",
        target="vendor",
        classes=CLASSES,
        matching=matching,
        settings=ProbeMatchingSettings(),
        matters=0.1,
        unlabelled_cases=("9",),
        single_slice=False,
        seed=0,
    )


CASES = [
    Case("1", "s1", {"vendor": "A", "age": "102", "sex": "F", "site": "x"}),
    Case("2", "s2", {"vendor": "A", "age": "67", "sex": "F", "site": "x"}),
    Case("3", "s3", {"vendor": "B", "age": "", "sex": "M", "site": "y"}),
    Case("4", "s4", {"vendor": "B", "age": "65", "sex": "", "site": "y"}),
]


@pytest.fixture(scope="module")
def evaluation() -> AcquisitionEvaluation:
    scores = make_scores(whole=RIGHT, outside=RIGHT, body=UNSURE)
    return summarise_acquisition(scores.sample(frac=1, random_state=0), make_design(), CASES)


def test_accuracy_is_the_mean_over_packages_with_its_spread(evaluation: AcquisitionEvaluation) -> None:
    whole = evaluation.find_variant("whole")
    assert whole is not None
    # 4 of 4 in the first package, 2 of 4 in the second: mean 0.75, spread 0.5 / √2.
    assert whole.accuracy.estimate == 0.75
    assert whole.accuracy_std == pytest.approx(0.5 / 2**0.5)
    assert [(entry.label, entry.case_count, entry.interval.estimate) for entry in whole.by_class] == [
        ("A", 2, 0.75),
        ("B", 2, 0.75),
    ]


def test_auroc_is_that_of_the_mean_probability_and_its_spread_that_of_packages(
    evaluation: AcquisitionEvaluation,
) -> None:
    whole = evaluation.find_variant("whole")
    assert whole is not None
    # Means of A: 0.85, 0.5 against 0.15, 0.5; the tie of 0.5 counts half: 3.5 of 4 pairs. First package 1; second
    # 0.8, 0.4 against 0.2, 0.7: 3 of 4.
    assert whole.auroc.estimate == pytest.approx(3.5 / 4)
    assert whole.auroc_std == pytest.approx(0.25 / 2**0.5)


def test_the_fall_to_the_body_is_a_difference_of_areas(evaluation: AcquisitionEvaluation) -> None:
    fall = evaluation.find_fall("outside", "body")
    assert fall is not None
    assert fall.difference.estimate == pytest.approx(0.5 - 3.5 / 4)
    assert evaluation.find_fall("whole", "noise") is None


def test_few_subjects_and_folds_are_told_nothing(evaluation: AcquisitionEvaluation) -> None:
    assert [score.test.verdict for score in evaluation.variants] == ["cannot tell"] * 3
    assert (evaluation.verdict, evaluation.joint_p, evaluation.fold_count) == ("cannot tell", None, 1)


def test_shuffles_of_all_regions_decide_where_there_are_any() -> None:
    # In every shuffle the classes of cases 2 and 3 are exchanged, so that the probe is right about half of them.
    exchanged = {"1": "A", "2": "B", "3": "A", "4": "B"}
    shuffled = [
        rows.assign(label=rows["case_id"].map(exchanged))
        for rows in (make_scores(number, whole=RIGHT, outside=UNSURE) for number in range(1, 20))
    ]
    scores = pd.concat([make_scores(whole=RIGHT, outside=UNSURE), *shuffled])
    found = summarise_acquisition(scores, make_design(), CASES)
    whole, outside = found.variants
    # With the true classes 3.5 of 4 pairs; exchanged 0.85 and 0.15 against 0.5 and 0.5: 2 of 4, which is unsure, too.
    assert (whole.test.p_shuffled, outside.test.p_shuffled) == (pytest.approx(1 / 20), 1.0)
    assert (found.shuffles, found.joint_p, found.verdict) == (19, pytest.approx(1 / 20), "told")
    with pytest.raises(InputError, match="every region must be tried on each shuffle, got whole; 3"):
        summarise_acquisition(scores[(scores["shuffle"] != 3) | (scores["variant"] == "whole")], make_design(), CASES)


def test_errors_are_counted_by_class_age_band_and_sex(evaluation: AcquisitionEvaluation) -> None:
    found = {(entry.grouping, entry.value): (entry.case_count, entry.rate.estimate) for entry in evaluation.errors}
    assert found == {
        ("class", "A"): (2, 0.25),
        ("class", "B"): (2, 0.25),
        ("age", "60–69"): (2, 0.5),
        ("age", "100–109"): (1, 0),
        ("age", "unknown"): (1, 0),
        ("sex", "F"): (2, 0.25),
        ("sex", "M"): (1, 0),
        ("sex", "unknown"): (1, 0.5),
    }
    assert [entry.value for entry in evaluation.errors if entry.grouping == "age"] == ["60–69", "100–109", "unknown"]


def test_the_target_is_not_compared_with_itself(evaluation: AcquisitionEvaluation) -> None:
    assert "vendor" not in [one.column for one in evaluation.confounding.columns]
    assert "site" in [one.column for one in evaluation.confounding.columns]


def test_counts_and_json_are_kept(evaluation: AcquisitionEvaluation) -> None:
    assert (evaluation.class_counts, evaluation.case_count, evaluation.majority_share) == ({"A": 2, "B": 2}, 4, 0.5)
    written = evaluation.model_dump_json()
    assert AcquisitionEvaluation.model_validate_json(written).model_dump_json() == written


def test_a_missing_package_is_refused() -> None:
    with pytest.raises(
        InputError, match="every held-out case must have each package once, got 7 rows of 4 cases and 2"
    ):
        index_scores(make_scores(whole=RIGHT).iloc[:-1], CLASSES)


def test_variants_on_different_cases_are_refused() -> None:
    fewer = {case_id: pair for case_id, pair in RIGHT.items() if case_id != "4"}
    with pytest.raises(InputError, match="every variant must hold the same cases, got body"):
        summarise_acquisition(make_scores(whole=RIGHT, body=fewer), make_design(), CASES)
