"""Source classifiers over the folds of a plan."""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from overread.adapters.storage import ResultStore, open_store
from overread.errors import InputError
from overread.questions.rater_bias.classification_results import SourceClassification
from overread.questions.rater_bias.source_hits import read_hits
from overread.questions.rater_bias.steps import classify_sources
from overread.runs import tracked_training
from overread.runs.plan import TrainingPlan
from overread.runs.tracked_training import CHECKPOINT_FILE
from overread.study.cases import Case, write_cases
from overread.study.label_set import LabelSet
from overread.study.rasters import write_image, write_mask
from overread.study.study import Study
from overread.training.settings import ClassifierSettings
from tests.question_trainings import CLASSIFIER, QUICK_CLASSIFIER, prepare_classifiers, write_classifier_plan


@pytest.fixture(scope="module", autouse=True)
def _mlflow(empty_mlflow: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One MLflow for all tests, which looks at its tables once."""
    database = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    shutil.copy(empty_mlflow, database)
    with pytest.MonkeyPatch.context() as environment:
        for name in ("MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID", "PUSHGATEWAY_URL"):
            environment.delenv(name, raising=False)
        environment.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{database}")
        yield


def classify(
    study: Study, output: str, settings: ClassifierSettings = QUICK_CLASSIFIER, *, store: str = "store"
) -> SourceClassification:
    root = study.root.parent
    plan = TrainingPlan.read(root / "plan.json")
    preset = plan.preset.model_copy(update={"classifier": settings})
    plan.model_copy(update={"preset": preset}).write(root / "plan.json")
    found = classify_sources.run(
        study.root,
        root / "plan.json",
        root / "predictions",
        output=root / output,
        store=str(root / store),
        processes=1,
    )
    assert found is not None
    return found


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Study, SourceClassification]:
    study = prepare_classifiers(tmp_path_factory.mktemp("trained"))
    return study, classify(study, "found", CLASSIFIER)


def test_sources_that_draw_differently_are_told_apart(trained: tuple[Study, SourceClassification]) -> None:
    _, found = trained
    for origin in ("annotation", "prediction"):
        rate = found.find_hit_rate(origin)
        roc = found.rocs[origin]
        assert rate is not None
        assert rate.interval.low > 0.7
        assert roc.auc > 0.8
    assert (found.chance, found.fold_count, found.sources) == (0.5, 3, ("ann", "ben"))
    assert found.verdict == "told"


def test_with_permuted_sources_they_are_not(trained: tuple[Study, SourceClassification]) -> None:
    _, found = trained
    for origin in ("annotation", "prediction"):
        real, shuffled = found.find_hit_rate(origin), found.find_hit_rate(origin, shuffled=True)
        assert real is not None
        assert shuffled is not None
        assert 0.25 < shuffled.interval.estimate < 0.75
        assert shuffled.interval.estimate < real.interval.low


def test_every_held_out_mask_is_asked_about_once_per_classifier(trained: tuple[Study, SourceClassification]) -> None:
    study, found = trained
    hits = read_hits(study.root.parent / "found" / "hits.csv")
    expected = {
        (case_id, source, origin, shuffled)
        for case_id in study.case_ids
        for source in ("ann", "ben")
        for origin in ("annotation", "prediction")
        for shuffled in (False, True)
    } - {("case00", "ann", "prediction", shuffled) for shuffled in (False, True)}
    rows = list(hits[["case_id", "source", "origin", "shuffled"]].itertuples(index=False, name=None))
    assert len(rows) == len(set(rows))
    assert set(rows) == expected
    assert set(hits["patch_count"]) == {8}
    assert found.skipped_cases == {"network-ann": ("case00",)}
    assert classify_sources.read_classification(study.root.parent / "found") == found


def test_rates_are_named_for_the_run(trained: tuple[Study, SourceClassification]) -> None:
    _, found = trained
    rates = classify_sources.list_hit_rates(found)
    assert list(rates) == ["annotations", "annotations, shuffled", "predictions", "predictions, shuffled", "growth"]
    assert rates["annotations"] > rates["annotations, shuffled"]


def test_the_order_of_the_sources_permutes_the_result_and_nothing_else(tmp_path: Path) -> None:
    study, tables = prepare_classifiers(tmp_path), []
    for order in (("ann", "ben"), ("ben", "ann")):
        write_classifier_plan(study, order)
        found = classify(study, order[0], store=order[0])
        assert found.sources == order
        tables.append(read_hits(tmp_path / order[0] / "hits.csv"))
    key = ["case_id", "source", "origin", "shuffled"]
    first, second = (table.sort_values(key).reset_index(drop=True) for table in tables)
    assert first.equals(second)


def test_equal_seeds_give_equal_results(tmp_path: Path) -> None:
    study = prepare_classifiers(tmp_path, case_count=6)
    one = classify(study, "one", store="first")
    assert classify(study, "two", store="second") == one
    assert (tmp_path / "one" / "hits.csv").read_bytes() == (tmp_path / "two" / "hits.csv").read_bytes()
    reseeded = classify(study, "three", QUICK_CLASSIFIER.model_copy(update={"seed": 1}))
    assert [rate.by_source for rate in reseeded.hit_rates] != [rate.by_source for rate in one.hit_rates]


def test_finished_classifiers_are_reused_until_a_prediction_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study, told = prepare_classifiers(tmp_path), []
    monkeypatch.setattr(tracked_training, "report_progress", told.append)
    first = classify(study, "first")
    assert count_trained(told) == 6
    assert classify(study, "second") == first
    assert count_trained(told) == 6
    changed = LabelSet("", tmp_path / "predictions" / "network-ben", study.suffix).path("case03")
    write_mask(changed, study.labels("ann").read("case03"), None)
    classify(study, "third")
    assert count_trained(told) == 8, "the classifiers of the fold that holds case03 out"


def count_trained(told: Sequence[str]) -> int:
    return sum("validation hit rate" in line for line in told)


def test_an_interrupted_classifier_goes_on_from_its_checkpoint_in_the_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Six classifiers of three epochs save 18 checkpoints; the first of them is interrupted after two."""
    study, settings, saved = prepare_classifiers(tmp_path), QUICK_CLASSIFIER.model_copy(update={"epochs": 3}), []
    whole = classify(study, "whole", settings, store="another")
    save = ResultStore.save_file

    def save_two(store: ResultStore, key: str, name: str, path: Path) -> None:
        save(store, key, name, path)
        if name == CHECKPOINT_FILE:
            saved.append(key)
            if len(saved) == 2:
                raise KeyboardInterrupt

    monkeypatch.setattr(ResultStore, "save_file", save_two)
    with pytest.raises(KeyboardInterrupt):
        classify(study, "found", settings)
    store = open_store(str(tmp_path / "store"))
    assert store.list_files(saved[0]) == (CHECKPOINT_FILE,)
    assert classify(study, "found", settings) == whole
    assert len(saved) == 18
    assert not any(store.contains_file(key, CHECKPOINT_FILE) for key in saved)
    for name in ("fold0/patches.csv", "fold0/history.csv"):
        assert (tmp_path / "found" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_no_part_of_a_fold_shares_a_subject_with_another(tmp_path: Path) -> None:
    study = prepare_classifiers(tmp_path)
    cases = [Case(case_id, f"subject{index // 2}") for index, case_id in enumerate(study.case_ids)]
    write_cases(study.root / "cases.csv", cases)
    study = Study.open(study.root)
    folds = classify_sources.list_folds(write_classifier_plan(study, ("ann", "ben")))
    subjects = [[{study.subject_of[case] for case in part} for part in (f.train, f.validation, f.test)] for f in folds]
    assert all(a.isdisjoint(b) for a, b, c in subjects for a, b in ((a, b), (a, c), (b, c)))
    assert sorted(case_id for fold in folds for case_id in fold.test) == sorted(study.case_ids)


def test_a_fold_that_would_show_a_held_out_subject_is_refused(tmp_path: Path) -> None:
    """The plan was made before case00 and case08 became one subject."""
    study = prepare_classifiers(tmp_path)
    write_cases(study.root / "cases.csv", [Case(case_id, "subject00") for case_id in study.case_ids])
    with pytest.raises(InputError, match=r"must be in one part of a fold alone, got subject00; fold 0"):
        classify(study, "found")


def test_a_classifier_does_not_depend_on_what_it_is_tested_on(tmp_path: Path) -> None:
    study = prepare_classifiers(tmp_path)
    fold = classify_sources.list_folds(TrainingPlan.read(tmp_path / "plan.json"))[0]
    classify(study, "first", store="first")
    for case_id in fold.test:
        write_image(study.image_path(case_id, "grey"), np.zeros((24, 24), np.uint8))
        for source in ("ann", "ben"):
            write_mask(study.labels(source).path(case_id), np.eye(24, dtype=np.bool_), None)
    classify(study, "second", store="second")
    for index, is_equal in enumerate((True, False, False)):
        first, second = (tmp_path / name / f"fold{index}" / "history.csv" for name in ("first", "second"))
        assert (first.read_text() == second.read_text()) == is_equal


def test_cases_that_a_source_did_not_label_are_left_out_for_it(tmp_path: Path) -> None:
    study = prepare_classifiers(tmp_path)
    study.labels("ann").path("case05").unlink()
    write_classifier_plan(study, ("ann", "ben"))
    found = classify(study, "found")
    assert found.skipped_cases == {"ann": ("case05",), "network-ann": ("case00",)}
    hits = read_hits(tmp_path / "found" / "hits.csv")
    rows = hits[(hits["case_id"] == "case05") & (hits["origin"] == "annotation") & ~hits["shuffled"]]
    assert rows["source"].tolist() == ["ben"]


def test_volumes_are_classified_in_3d(tmp_path: Path) -> None:
    study = prepare_classifiers(tmp_path, case_count=3, cubes=True)
    found = classify(study, "found", QUICK_CLASSIFIER.model_copy(update={"patch_size": (8, 8, 8)}))
    assert found.patch_size == (8, 8, 8)
    assert [rate.patch_count for rate in found.hit_rates] == [18, 18, 15, 15]


def test_a_single_rater_or_a_classifier_that_is_not_wanted_leaves_nothing(tmp_path: Path) -> None:
    alone, both = prepare_classifiers(tmp_path / "a", sources=("ann",)), prepare_classifiers(tmp_path / "b")
    for study, is_wanted in ((alone, True), (both, False)):
        root = study.root.parent
        folders = (study.root, root / "plan.json", root / "predictions")
        found = classify_sources.run(
            *folders, is_wanted=is_wanted, output=root / "found", store=str(root / "store"), processes=1
        )
        assert found is None
        assert list((root / "found").iterdir()) == []
        assert classify_sources.read_classified_sources(root / "found") is None
