"""From tables or a study to a report, as a command and as steps."""

import csv
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from overread.errors import InputError, SettingsError, StudyError
from overread.presets.crowd import CrowdPreset, list_crowd_presets, read_crowd_preset
from overread.steps import analyse_disagreement as step
from overread.steps import write_disagreement_report
from overread.study.cases import Case, write_cases
from overread.study.digest import compute_file_digest
from tests.studies import write_squares

QUICK = {"folds": 2, "repeats": 1, "permutations": 99, "permutation_repeats": 1}


@pytest.fixture(scope="module")
def preset(tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("preset") / "quick.yaml"
    CrowdPreset.parse({"description": "quick", "analysis": QUICK}, where="tests").write_yaml(path)
    return str(path)


@pytest.fixture(scope="module")
def tables(tmp_path_factory) -> tuple[str, str]:
    """Three annotators and two features of 20 moles; `007` shows whether names stay text."""
    folder, generator = tmp_path_factory.mktemp("tables"), np.random.default_rng(2)
    names = [f"{index:03d}" for index in range(20)]
    header = [f"{feature}_{annotator}" for annotator in (1, 2, 3) for feature in ("colour", "border")]
    with (folder / "moles.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["case_id", *header], *([name, *generator.integers(0, 7, 6)] for name in names)])
    with (folder / "outcomes.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["case_id", "sick"], *([name, int(name) % 2] for name in names)])
    return str(folder / "moles.csv"), str(folder / "outcomes.csv")


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("study") / "squares"
    write_squares(root, case_count=12)
    cases = [Case(f"case{i:02d}", f"subject{i:02d}", {"relapse": "yes" if i % 2 else "no"}) for i in range(12)]
    write_cases(root / "cases.csv", cases)
    return root


def choose(**values) -> step.DisagreementChoice:
    return step.DisagreementChoice.parse(values, where="tests")


def test_tables_become_an_analysis_that_can_be_read_again(tables, preset, tmp_path):
    found = step.run_on_ratings(*tables, choose(preset=preset), output=tmp_path / "a")
    again = step.read_analysis(tmp_path / "a")
    assert again.evaluation == found
    assert again.cases["case_id"].tolist()[:2] == ["000", "001"]
    assert again.cases["outcome"].unique().tolist() == ["0", "1"]
    assert (found.table.name, found.table.layout) == ("moles", "{feature}_{annotator}")
    origin = step.read_origin(tmp_path / "a")
    assert origin.digests == {
        name: compute_file_digest(Path(path)) for name, path in zip(("ratings", "outcomes"), tables, strict=True)
    }


def test_the_same_choice_gives_the_same_files(tables, preset, tmp_path):
    for name in "ab":
        step.run_on_ratings(f"file://{tables[0]}", tables[1], choose(preset=preset, seed=4), output=tmp_path / name)
    first, second = (sorted((tmp_path / name).iterdir()) for name in "ab")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_the_report_and_its_metrics_say_the_same(tables, preset, tmp_path):
    step.run_on_ratings(*tables, choose(preset=preset), output=tmp_path)
    evaluation = write_disagreement_report.run(tmp_path, report_file=tmp_path / "p" / "report.html", revision="abc")
    html = (tmp_path / "p" / "report.html").read_text(encoding="utf-8")
    metrics = write_disagreement_report.collect_metrics(evaluation)
    assert f"<dd>{metrics['auc_disagreement']:.2f}" in html
    assert metrics["disagreement_p"] == evaluation.find_test("disagreement").p
    assert metrics.keys() >= {"auc_all", "auc_consensus", "auc_consensus_and_disagreement", "disagreement_gain"}
    assert "<code>abc</code>" in html


def test_a_study_is_analysed_by_its_sources_and_a_column_of_its_cases(study, preset, tmp_path):
    found = step.run_on_study(study, choose(preset=preset, outcome="relapse"), output=tmp_path)
    assert (found.table.kind, found.table.annotators) == ("sources", ("ann", "ben"))
    assert (found.outcome.positive, found.case_count) == ("yes", 12)
    assert {score.key for score in found.scores} >= {"combined", "consensus", "disagreement", "dice", "distance"}
    assert set(step.read_origin(tmp_path).digests) == {"ann", "ben"}
    assert "p = " in write_disagreement_report.summarise(tmp_path, report_file=tmp_path / "r.html").replace(
        "\u00a0", " "
    )


def test_the_outcome_of_a_study_must_be_there(study, preset, tmp_path):
    with pytest.raises(InputError, match=r"a column of the case table, got ''.*Hint: columns: relapse"):
        step.run_on_study(study, choose(preset=preset), output=tmp_path)
    with pytest.raises(StudyError, match=r"must hold study\.yaml"):
        step.run_on_study(tmp_path, choose(preset=preset), output=tmp_path / "x")


def test_nothing_is_written_among_labels(study, preset):
    with pytest.raises(InputError, match="must not lie among the labels"):
        step.run_on_study(study, choose(preset=preset, outcome="relapse"), output=study / "labels" / "x")


@pytest.mark.parametrize(
    ("ratings", "outcomes", "folder", "found"),
    [("", "", None, "neither"), ("r", "", None, "ratings"), ("r", "o", Path("s"), "ratings, outcomes, study")],
)
def test_half_or_twice_the_input_is_refused(ratings, outcomes, folder, found, tmp_path):
    with pytest.raises(SettingsError, match=f"ratings and outcomes or a study must be given, got {found}"):
        step.run(choose(), ratings=ratings, outcomes=outcomes, study_folder=folder, output=tmp_path)


def test_an_address_of_another_kind_is_refused(tables, preset, tmp_path):
    with pytest.raises(InputError, match=r"a path or an s3:// URL, got 'https://x\.org/a\.csv'"):
        step.run_on_ratings("https://x.org/a.csv", tables[1], choose(preset=preset), output=tmp_path)


def test_more_folds_than_cases_of_a_class_leave_nothing_behind(tables, tmp_path):
    with pytest.raises(InputError, match="got 10 cases of the rarer class, 20 in all, for 11 folds"):
        step.run_on_ratings(*tables, choose(folds=11), output=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_folds_can_be_chosen_without_another_preset(preset):
    assert step.choose_preset(choose(preset=preset, folds=4)).analysis.folds == 4
    assert step.choose_preset(choose(preset=preset)).analysis.folds == 2
    with pytest.raises(SettingsError, match=r"folds: .* greater than or equal to 2, got 1; folds"):
        step.choose_preset(choose(preset=preset, folds=1))


def test_presets_differ_in_the_order_of_z_scores_alone():
    assert set(list_crowd_presets()) == {"cheplygina2018", "ratings"}
    paper, ours = (read_crowd_preset(name).analysis for name in ("cheplygina2018", "ratings"))
    assert (paper.leak_free, ours.leak_free, paper.folds, paper.repeats) == (False, True, 10, 10)
    assert paper.model_copy(update={"leak_free": True}) == ours
    with pytest.raises(SettingsError, match=r"a known name .* got 'small-2d'\. Hint: known: cheplygina2018, ratings"):
        read_crowd_preset("small-2d")


def test_the_command_prints_the_answer_and_one_message_for_bad_input(tables, preset, tmp_path):
    command = [sys.executable, "-m", "overread.cli", "disagreement", "--outcomes", tables[1], "--output", tmp_path]
    bad = tmp_path / "bad.csv"
    bad.write_text(Path(tables[0]).read_text().replace("\n000,", "\n000,many", 1))
    done = [
        subprocess.run([*command, "--preset", preset, "--ratings", path], capture_output=True, text=True, check=False)
        for path in (tables[0], bad)
    ]
    assert done[0].returncode == 0, done[0].stderr
    assert done[0].stdout.splitlines()[-1] == str(tmp_path / "report.html")
    assert (tmp_path / "report.html").is_file()
    assert done[1].returncode == 2
    assert done[1].stderr.startswith("error: a rating must be a number, got 'many")
    assert done[1].stderr.count("\n") == 1
