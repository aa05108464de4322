"""The page of `acquisition-bias`, made from an evaluation of known numbers and a small study."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from acquisition_builders import NOT_TOLD, make_evaluation
from pages import Page, check_page
from report_builders import build_context

from overread.errors import InputError
from overread.questions.acquisition_bias.package_scores import index_scores
from overread.questions.acquisition_bias.page.gallery import choose_example_cases
from overread.questions.acquisition_bias.page.report import ProbeRun, write_acquisition_report
from overread.questions.acquisition_bias.page.wording import LUCK
from overread.questions.acquisition_bias.probe_folds import LabelledCase, ProbeFold
from overread.questions.acquisition_bias.probe_settings import ProbeTraining
from overread.questions.acquisition_bias.probe_stacks import open_stacks, write_stacks
from overread.study.study import Study
from tests.unit.vendor_studies import make_probe_preset, write_vendors

CLASSES = ("ACME", "Other")


def make_scores(study: Study) -> pd.DataFrame:
    """The probability of a case's own class rises by 0.02 with each case."""
    rows = []
    for place, case_id in enumerate(study.case_ids):
        label, own = CLASSES[place % 2], 0.1 + 0.02 * place
        shares = (own, 1 - own) if label == "ACME" else (1 - own, own)
        rows.append(("whole", 0, 0, 0, case_id, study.subject_of[case_id], label, *shares))
    columns = ["variant", "shuffle", "fold", "package", "case_id", "subject_id", "label", "p:ACME", "p:Other"]
    return pd.DataFrame(rows, columns=columns)


def make_training(variant: str, fold: int) -> ProbeTraining:
    return ProbeTraining(
        variant=variant,
        fold=fold,
        train_count=10 + fold,
        validation_count=3,
        test_count=3,
        kept_epoch=4,
        validation_loss=0.2 + 0.2 * fold,
        parameter_count=1234,
        duration_seconds=30,
        device="cpu",
    )


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return write_vendors(tmp_path_factory.mktemp("page") / "study", subject_count=5)


@pytest.fixture(scope="module")
def run(study: Study, tmp_path_factory: pytest.TempPathFactory) -> ProbeRun:
    preset = make_probe_preset()
    stacks = write_stacks(study, study.case_ids, preset.image, tmp_path_factory.mktemp("stacks"), seed=0)
    fold = ProbeFold((), (), (LabelledCase("c00a", "s00", "ACME"),))
    return ProbeRun(CLASSES, preset, (fold,), [make_training("whole", 0), make_training("whole", 1)], stacks)


def write(path: Path, study: Study, run: ProbeRun, **changes: object) -> str:
    values = {"evaluation": make_evaluation(), "scores": make_scores(study), **changes}
    write_acquisition_report(path, study=study, run=run, context=build_context(()), **values)  # type: ignore[arg-type]
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def html(study: Study, run: ProbeRun, tmp_path_factory: pytest.TempPathFactory) -> str:
    return write(tmp_path_factory.mktemp("html") / "new" / "report.html", study, run)


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    return Page(html)


def test_the_page_is_sound_and_asks_its_question(page: Page) -> None:
    check_page(page)
    assert "Can the images tell vendor?" in page.text


def test_the_answer_and_the_warning_stand_before_the_tables(page: Page) -> None:
    answer, warning = page.text.index("The images tell vendor:"), page.text.index("vendor is confounded with site")
    assert answer < warning < page.text.index("Where does the probe look?", warning)


def test_every_variant_has_accuracy_auroc_and_its_classes(page: Page) -> None:
    for title in ("whole slice", "padding and air", "body", "noise residue"):
        assert f"{title} 0." in page.text
    rest = "0.700 0.60 to 0.80 ± 0.010 over packages 0.80 0.70 to 0.90 ± 0.020 over packages"
    assert f"padding and air 0.990 0.97 to 1.00 told {rest}" in page.text
    assert f"body 0.550 0.40 to 0.70 cannot tell {rest}" in page.text
    assert "padding and air 0.99, 0.97, 1.00 p = 0.002 p = 0.008" in page.text.replace("\u00a0", " ")
    forest = next(image for image in page.images if image["alt"].startswith("AUROC within folds"))
    assert "padding and air: 0.990 (0.970 to 1.000), told" in forest["alt"]


def test_the_design_and_what_the_tests_allow_for_stand_below_the_answer(page: Page) -> None:
    assert "Held-out subjects12 with 20 cases Trainings2 4 regions × 5 folds AUROC by chance alone0.10" in page.text
    assert LUCK in page.text
    assert "intervals (subjects only) leave out how each training turned out" in page.text


def test_shuffles_are_shown_where_they_decide(study: Study, run: ProbeRun, tmp_path: Path) -> None:
    page = Page(write(tmp_path / "report.html", study, run, evaluation=make_evaluation(p_shuffled=0.05)))
    text = page.text.replace("\u00a0", " ")
    assert "p from 19 shuffles, of all regions together" in text
    assert "body 0.55, 0.40, 0.70 p = 0.20 p = 0.80 p = 0.050" in text


def test_a_class_without_cases_keeps_its_column(study: Study, run: ProbeRun, tmp_path: Path) -> None:
    evaluation = make_evaluation()
    last = evaluation.variants[-1].model_copy(update={"by_class": evaluation.variants[-1].by_class[1:]})
    lacking = evaluation.model_copy(update={"variants": (*evaluation.variants[:-1], last)})
    page = Page(write(tmp_path / "report.html", study, run, evaluation=lacking))
    assert "± 0.020 over packages – 0.80 0.70 to 0.90 n = 10" in page.text


def test_confounding_matching_errors_and_missing_cases_are_listed(page: Page) -> None:
    assert "site 0.94 0.94 2 50 % yes" in page.text.replace("\u00a0", " ")
    assert "Left out: file (unique)." in page.text
    assert "ACME in the study 5 10 60.0 ± 5.0 F: 5 60–69: 5" in page.text
    assert "ACME matched 5 10" in page.text
    assert "class Other 10 60 % 50 % to 70 %" in page.text.replace("\u00a0", " ")
    assert "The case table has no age." in page.text
    assert "Without a class that was asked for: 1 : x1" in page.text


def test_the_median_case_of_each_class_is_shown_in_every_region(study: Study, page: Page) -> None:
    # Cases 0, 2, 4, 6, 8 are of ACME, 1, 3, 5, 7, 9 of Other: the medians are cases 4 and 5.
    chosen = choose_example_cases(index_scores(make_scores(study), CLASSES), CLASSES)
    assert [(label, case_id) for label, case_id, _ in chosen] == [("ACME", "c02a"), ("Other", "c02b")]
    assert chosen[0][2] == pytest.approx(0.18)
    shown = [image["alt"].split(".")[0] for image in page.images if image["alt"].startswith("Case ")]
    assert shown[:4] == [f"Case c02a (ACME), {region}" for region in ("whole", "outside", "body", "noise")]
    assert len(shown) == 8


def test_trainings_are_summed_up(page: Page) -> None:
    assert "whole slice 2 1,234 10 to 11 4 of 12 0.300 1 min cpu" in page.text


def test_equal_inputs_give_equal_bytes(study: Study, run: ProbeRun, html: str, tmp_path: Path) -> None:
    assert write(tmp_path / "again.html", study, run) == html


def test_a_page_without_findings_says_so(study: Study, run: ProbeRun, tmp_path: Path) -> None:
    evaluation = make_evaluation(confounded=(("kvp", 0.2),), whole=NOT_TOLD, outside=NOT_TOLD)
    page = Page(write(tmp_path / "report.html", study, run, evaluation=evaluation))
    assert "Cannot tell whether the images tell vendor:" in page.text
    assert "No other column of the case table goes together with vendor strongly." in page.text
    assert "Warning:" not in page.text


def test_scores_of_another_study_are_refused(study: Study, run: ProbeRun, tmp_path: Path) -> None:
    scores = make_scores(study).replace({"case_id": {"c00a": "zz"}})
    with pytest.raises(InputError, match="each held-out case must be one of the study, got 'zz'"):
        write(tmp_path / "report.html", study, run, scores=scores)


def test_stacks_are_scaled_and_read_back(study: Study, tmp_path: Path) -> None:
    settings = make_probe_preset().image
    summary = write_stacks(study, study.case_ids, settings, tmp_path, seed=0)
    assert summary.slice_counts == dict.fromkeys(study.case_ids, 4)
    assert summary.scales["whole"] == ((-160.0, 240.0), (-1.0, 1.0))
    assert summary.hidden_air_share == 1
    for region in ("whole", "outside", "body", "noise"):
        stacks = open_stacks(tmp_path, region, study.case_ids)
        assert all(stack.shape == (4, 24, 24) for stack in stacks.values())
        assert all(float(np.min(stack)) >= -1 and float(np.max(stack)) <= 1 for stack in stacks.values())
    padded = open_stacks(tmp_path, "outside", ["c01a"])["c01a"][0]
    assert padded[0, 0] < padded[0, 12] - 0.3
