"""The whole probe on a small study: from the plan to the page."""

from pathlib import Path

import numpy as np
import pytest

from overread.errors import InputError
from overread.questions.acquisition_bias.results import AcquisitionEvaluation
from overread.questions.acquisition_bias.steps import evaluate_probes, probe_acquisition
from overread.questions.acquisition_bias.steps.plan_probes import ProbeChoice
from overread.questions.acquisition_bias.steps.probe_plan import ProbePlan
from overread.questions.acquisition_bias.steps.probe_results import read_scores, read_trainings
from overread.questions.acquisition_bias.steps.probe_training import compute_probe_key
from overread.questions.acquisition_bias.steps.train_probes import train_probes
from overread.questions.acquisition_bias.steps.write_probe_report import collect_metrics
from overread.study.cases import Case, write_cases
from overread.study.rasters import write_image
from overread.study.schema import StudySettings
from overread.study.study import Study
from tests.unit.vendor_studies import make_probe_preset, write_vendors


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("probe")
    write_vendors(root / "study")
    make_probe_preset().write_yaml(root / "tiny.yaml")
    choice = ProbeChoice(column="vendor", preset=str(root / "tiny.yaml"))
    shown = probe_acquisition.run(root / "study", root / "out", choice, processes=1, device="cpu")
    assert "AUROC for vendor: whole slice" in shown
    return root / "out"


@pytest.fixture(scope="module")
def evaluation(output: Path) -> AcquisitionEvaluation:
    return evaluate_probes.read_evaluation(output)


def test_padding_is_told_outside(evaluation: AcquisitionEvaluation) -> None:
    outside = evaluation.find_variant("outside")
    assert outside is not None
    assert (outside.test.auroc.low, outside.test.verdict, evaluation.verdict) == (1.0, "told", "told")


def test_the_body_does_not_tell_what_the_padding_tells(evaluation: AcquisitionEvaluation) -> None:
    fall = evaluation.find_fall("outside", "body")
    assert fall is not None
    assert fall.difference.estimate < -0.1


def test_the_site_is_found_to_be_confounded(evaluation: AcquisitionEvaluation) -> None:
    assert "site" in [one.column for one in evaluation.confounding.strong]
    assert evaluation.confounding.skipped == {"series": "a value of its own for most cases"}


def test_every_case_is_judged_once_per_variant_and_package(output: Path) -> None:
    scores = read_scores([output / "probes"])
    assert len(scores) == 4 * 32 * 2
    assert not scores.duplicated(["variant", "case_id", "package"]).any()
    assert scores[["p:Alpha", "p:Beta"]].sum(axis=1).round(3).eq(1).all()


def test_no_subject_is_named_by_a_probe_that_learnt_it(output: Path) -> None:
    plan = ProbePlan.read(output / "plan.json")
    for fold in (*plan.folds, *plan.shuffle_folds(1)):
        held_out = {case.subject_id for case in fold.test}
        assert held_out.isdisjoint(case.subject_id for case in (*fold.train, *fold.validation))


def test_a_probe_of_a_shuffle_names_the_classes_of_that_shuffle(output: Path, tmp_path: Path) -> None:
    plan = ProbePlan.read(output / "plan.json")
    preset = plan.preset.model_copy(update={"shuffles": 19, "training": make_probe_preset(epochs=1).training})
    plan = plan.model_copy(update={"preset": preset})
    jobs = [plan.find_job(name) for name in ("body-fold2-shuffle1", "body-fold2-shuffle2", "body-fold2")]
    train_probes(output.parent / "study", plan, jobs[:1], output=tmp_path, processes=1, device="cpu")
    scores = read_scores([tmp_path])
    assert set(scores["shuffle"]) == {1}
    expected = {case.case_id: case.label for case in plan.shuffle_folds(1)[2].test}
    assert dict(zip(scores["case_id"], scores["label"], strict=True)) == expected
    assert [training.shuffle for training in read_trainings([tmp_path])] == [1]
    assert len({compute_probe_key(plan, job) for job in jobs}) == 3


def test_what_is_only_judged_by_trains_nothing_anew(output: Path) -> None:
    plan = ProbePlan.read(output / "plan.json")
    judged = plan.model_copy(update={"preset": plan.preset.model_copy(update={"shuffles": 39, "matters": 0.2})})
    assert compute_probe_key(judged, plan.jobs[0]) == compute_probe_key(plan, plan.jobs[0])


def test_trainings_are_listed_with_their_counts(output: Path) -> None:
    trainings = read_trainings([output / "probes"])
    assert [(one.variant, one.fold) for one in trainings[:5]] == [*(("whole", k) for k in range(4)), ("outside", 0)]
    assert {(one.train_count, one.validation_count, one.test_count) for one in trainings} == {(16, 8, 8)}


def test_runs_are_compared_by_a_few_metrics(evaluation: AcquisitionEvaluation) -> None:
    metrics = collect_metrics(evaluation)
    assert len(metrics) == 15
    assert metrics["outside_told"] == 1
    assert metrics["outside_auroc"] > 0.9
    assert metrics["largest_cramers_v"] == evaluation.confounding.columns[0].corrected_v


def test_the_page_states_padding_fall_and_confounding(output: Path) -> None:
    text = (output / "report.html").read_text(encoding="utf-8")
    assert "Padding and air alone, without the patient, tell vendor: AUROC" in text
    assert "less than with padding and air" in text
    assert "vendor is confounded with site" in text


def test_an_output_folder_that_holds_something_is_refused(output: Path) -> None:
    with pytest.raises(InputError, match="the output folder must be new or empty"):
        probe_acquisition.run(output.parent / "study", output, ProbeChoice(column="vendor"))


def test_a_study_of_2d_images_is_probed_with_its_one_slice(tmp_path: Path) -> None:
    settings = StudySettings(name="flat", dimensions=2, modality="microscopy", channels=("grey",), target="cell")
    settings.write_yaml(tmp_path / "study.yaml")
    cases = [Case(f"c{index}", f"s{index}", {"lens": "wide" if index % 2 else "tele"}) for index in range(8)]
    write_cases(tmp_path / "cases.csv", cases)
    study, generator = Study.open(tmp_path), np.random.default_rng(0)
    for case in cases:
        write_image(study.image_path(case.case_id, "grey"), generator.integers(0, 255, (20, 30)).astype("uint8"))
    make_probe_preset(epochs=1).model_copy(update={"folds": 4}).write_yaml(tmp_path / "tiny.yaml")
    choice = ProbeChoice(column="lens", preset=str(tmp_path / "tiny.yaml"))
    probe_acquisition.run(tmp_path, tmp_path / "out", choice, processes=1, device="cpu")
    found = evaluate_probes.read_evaluation(tmp_path / "out")
    assert found.single_slice
    assert {score.auroc_std for score in found.variants} == {0.0}
    assert "Every case has one slice" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
