"""From tables or a study to a report, as a command and as steps."""

import csv
from pathlib import Path

import numpy as np
import pytest

from overread.errors import InputError, SettingsError, StudyError
from overread.questions.crowd_disagreement.presets import CrowdPreset, list_crowd_presets, read_crowd_preset
from overread.questions.crowd_disagreement.steps import fetch_annotations, report_disagreement
from overread.questions.crowd_disagreement.steps.analyse_disagreement import identify_analysis, name_analysis
from overread.questions.crowd_disagreement.steps.annotation_data import check_one_kind_is_given
from overread.questions.crowd_disagreement.steps.crowd_analysis_files import read_analysis, read_origin
from overread.questions.crowd_disagreement.steps.disagreement_choice import DisagreementChoice, choose_preset
from overread.questions.crowd_disagreement.steps.rating_tables import RatingTables
from overread.questions.crowd_disagreement.steps.study_sources import StudySources
from overread.questions.crowd_disagreement.steps.write_disagreement_report import collect_metrics
from overread.study.cases import Case, write_cases
from overread.study.digest import compute_file_digest
from overread.study.study import Study
from tests.command_line import run_overread
from tests.studies import write_squares

QUICK = {"folds": 2, "repeats": 1, "permutations": 99, "permutation_repeats": 1}


@pytest.fixture(scope="module")
def preset(tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("preset") / "quick.yaml"
    CrowdPreset.parse({"description": "quick", "analysis": QUICK}, where="tests").write_yaml(path)
    return str(path)


@pytest.fixture(scope="module")
def tables(tmp_path_factory) -> dict[str, str]:
    """Three annotators and two features of 20 moles; `007` shows whether names stay text."""
    folder, generator = tmp_path_factory.mktemp("tables"), np.random.default_rng(2)
    names = [f"{index:03d}" for index in range(20)]
    header = [f"{feature}_{annotator}" for annotator in (1, 2, 3) for feature in ("colour", "border")]
    with (folder / "moles.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["case_id", *header], *([name, *generator.integers(0, 7, 6)] for name in names)])
    with (folder / "outcomes.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["case_id", "sick"], *([name, int(name) % 2] for name in names)])
    return {"ratings": str(folder / "moles.csv"), "outcomes": str(folder / "outcomes.csv")}


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("study") / "squares"
    write_squares(root, case_count=12)
    cases = [Case(f"case{i:02d}", f"subject{i:02d}", {"relapse": "yes" if i % 2 else "no"}) for i in range(12)]
    write_cases(root / "cases.csv", cases)
    return root


def choose(**values) -> DisagreementChoice:
    return DisagreementChoice.parse(values, where="tests")


def open_tables(tables: dict[str, str], **values) -> tuple[RatingTables, DisagreementChoice]:
    return RatingTables(Path(tables["ratings"]), Path(tables["outcomes"]), choose(**values)), choose(**values)


def test_tables_become_an_analysis_a_page_and_an_answer(tables, preset, tmp_path):
    told = report_disagreement.run(choose(preset=preset), **tables, output=tmp_path)
    analysis, origin = read_analysis(tmp_path), read_origin(tmp_path)
    assert analysis.cases["case_id"].tolist()[:2] == ["000", "001"]
    assert analysis.cases["outcome"].unique().tolist() == ["0", "1"]
    assert (analysis.evaluation.table.name, analysis.evaluation.table.layout) == ("moles", "{feature}_{annotator}")
    assert origin.source_digests == {name: compute_file_digest(Path(path)) for name, path in tables.items()}
    assert told.splitlines()[-1] == str(tmp_path / "report.html")
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert f"<dd>{collect_metrics(analysis.evaluation)['auc_disagreement']:.2f}" in html
    assert f"<code>{origin.study_digest}</code>" in html
    assert "not tracked" in html


def test_figures_to_compare_runs_by_are_those_of_the_evaluation(tables, preset, tmp_path):
    report_disagreement.run(choose(preset=preset), **tables, output=tmp_path)
    evaluation = read_analysis(tmp_path).evaluation
    metrics = collect_metrics(evaluation)
    assert metrics["disagreement_p"] == evaluation.find_test("disagreement").p
    assert metrics["auc_consensus"] == evaluation.find_score("consensus").auc.estimate
    assert metrics.keys() >= {"auc_all", "auc_disagreement", "auc_consensus_and_disagreement", "disagreement_gain"}


def test_the_same_choice_gives_the_same_files(tables, preset, tmp_path):
    addresses = tables | {"ratings": f"file://{tables['ratings']}"}
    for name in "ab":
        report_disagreement.run(choose(preset=preset, seed=4), **addresses, output=tmp_path / name)
        (tmp_path / name / "report.html").unlink()
    first, second = (sorted((tmp_path / name).iterdir()) for name in "ab")
    assert len(first) == 5
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_a_study_is_analysed_by_its_sources_and_a_column_of_its_cases(study, preset, tmp_path):
    told = report_disagreement.run(choose(preset=preset, outcome="relapse"), study_folder=study, output=tmp_path)
    found = read_analysis(tmp_path).evaluation
    assert (found.table.kind, found.table.annotators) == ("sources", ("ann", "ben"))
    assert (found.outcome.positive, found.case_count) == ("yes", 12)
    assert {score.key for score in found.scores} >= {"combined", "consensus", "disagreement", "dice", "distance"}
    assert set(read_origin(tmp_path).source_digests) == {"ann", "ben"}
    assert "p = " in told.replace("\u00a0", " ")


def test_the_outcome_of_a_study_must_be_there(study, preset, tmp_path):
    with pytest.raises(InputError, match=r"a column of the case table, got ''.*Hint: columns: relapse"):
        report_disagreement.run(choose(preset=preset), study_folder=study, output=tmp_path)
    with pytest.raises(StudyError, match=r"must hold study\.yaml"):
        report_disagreement.run(choose(preset=preset), study_folder=tmp_path, output=tmp_path / "x")


def test_nothing_is_written_among_labels(study, preset):
    choice = choose(preset=preset, outcome="relapse")
    with pytest.raises(InputError, match="must not lie among the labels"):
        report_disagreement.run(choice, study_folder=study, output=study / "labels" / "x")


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("", "neither"),
        ("r", "ratings"),
        ("o", "outcomes"),
        ("rs", "ratings, study"),
        ("ros", "ratings, outcomes, study"),
    ],
)
def test_half_or_twice_the_input_is_refused(given, found):
    addresses = {name: name if name[0] in given else "" for name in ("ratings", "outcomes", "study")}
    with pytest.raises(SettingsError, match=f"ratings and outcomes or a study must be given, got {found}\\.$"):
        check_one_kind_is_given(**addresses)


def test_a_choice_for_the_other_kind_of_annotations_is_refused(tables, study):
    with pytest.raises(SettingsError, match=r"tables of ratings have none, got ann, ben"):
        open_tables(tables, sources=("ann", "ben"))
    with pytest.raises(SettingsError, match=r"columns must be those of a table of ratings.*got '\{feature\}"):
        StudySources(Study.open(study), choose(columns="{feature}_{annotator}"))


def test_fetched_tables_keep_their_names_and_say_where_they_come_from(tables, tmp_path, monkeypatch):
    monkeypatch.chdir(Path(tables["ratings"]).parent)
    fetched = fetch_annotations.run(
        ratings="moles.csv", outcomes=tables["outcomes"], study="", revision="", sources=(), target=tmp_path / "a"
    )
    assert fetched.model_dump() == {"name": "moles", "uri": tables["ratings"], "revision": "unversioned"}
    data = fetch_annotations.open_annotations(tmp_path / "a", choose())
    assert (data.name, data.digest) == ("moles", open_tables(tables)[0].digest)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"ratings": "absent.csv"}, r"a table must exist, got /.*absent\.csv"),
        ({"ratings": "https://x.org/a.csv"}, r"a path or an s3:// URL, got 'https://x\.org/a\.csv'"),
        ({"revision": "v1"}, "tables of ratings have none, got 'v1'"),
        ({"study": "s"}, "got ratings, outcomes, study"),
    ],
)
def test_annotations_that_cannot_be_fetched_are_named(tables, tmp_path, changed, message):
    addresses = {**tables, "study": "", "revision": "", **changed}
    with pytest.raises(InputError, match=message):
        fetch_annotations.run(**addresses, sources=(), target=tmp_path / "a")


def test_an_analysis_is_kept_by_what_shapes_its_numbers(tables, preset):
    kept = name_analysis(*open_tables(tables, preset=preset))
    copied = Path(preset).with_name("copy.yaml")
    copied.write_text(Path(preset).read_text())
    assert name_analysis(*open_tables(tables, preset=str(copied))) == kept
    assert name_analysis(*open_tables(tables, preset=preset, folds=2)) == kept
    others = [{"folds": 3}, {"seed": 1}, {"positive": "0"}, {"outcome": "sick"}, {"columns": "{feature}_{annotator}"}]
    keys = {name_analysis(*open_tables(tables, **{"preset": preset, **other})) for other in others}
    assert len(keys | {kept}) == 1 + len(others)


def test_another_table_or_another_name_is_another_analysis(tables, preset, tmp_path):
    kept = name_analysis(*open_tables(tables, preset=preset))
    text = Path(tables["ratings"]).read_text()
    for name, content in (("moles.csv", text + "\n"), ("naevi.csv", text)):
        (tmp_path / name).write_text(content)
        assert name_analysis(*open_tables(tables | {"ratings": str(tmp_path / name)}, preset=preset)) != kept


def test_a_run_is_known_by_its_revision_and_preset_too(tables, preset):
    data, choice = open_tables(tables, preset=preset)
    one, same, other = (identify_analysis(data, choice, revision=revision) for revision in ("a", "a", "b"))
    assert one == same
    assert one.run_fingerprint != other.run_fingerprint
    assert (one.pipeline, one.study, one.network_names) == ("crowd-disagreement", "moles", "")
    assert f"preset: {preset}" in one.settings_yaml
    assert one.settings_yaml.startswith("description: quick\n")


def test_more_folds_than_cases_of_a_class_leave_nothing_behind(tables, tmp_path):
    with pytest.raises(InputError, match="got 10 cases of the rarer class, 20 in all, for 11 folds"):
        report_disagreement.run(choose(folds=11), **tables, output=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_folds_can_be_chosen_without_another_preset(preset):
    assert choose_preset(choose(preset=preset, folds=4)).analysis.folds == 4
    assert choose_preset(choose(preset=preset)).analysis.folds == 2
    with pytest.raises(SettingsError, match=r"folds: .* greater than or equal to 2, got 1; folds"):
        choose_preset(choose(preset=preset, folds=1))


def test_presets_differ_in_the_order_of_z_scores_alone():
    assert set(list_crowd_presets()) == {"cheplygina2018", "ratings"}
    paper, ours = (read_crowd_preset(name).analysis for name in ("cheplygina2018", "ratings"))
    assert (paper.leak_free, ours.leak_free, paper.folds, paper.repeats) == (False, True, 10, 10)
    assert paper.model_copy(update={"leak_free": True}) == ours
    with pytest.raises(SettingsError, match=r"a known name .* got 'small-2d'\. Hint: known: cheplygina2018, ratings"):
        read_crowd_preset("small-2d")


def test_the_command_needs_neither_mlflow_nor_store_and_has_one_message_for_bad_input(
    tables, preset, tmp_path, monkeypatch
):
    monkeypatch.setenv("OVERREAD_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    command = ["disagreement", "--outcomes", tables["outcomes"], "--output", tmp_path / "out", "--preset", preset]
    bad = tmp_path / "bad.csv"
    bad.write_text(Path(tables["ratings"]).read_text().replace("\n000,", "\n000,many", 1))
    done = [run_overread(*command, "--ratings", path) for path in (tables["ratings"], bad)]
    assert done[0].returncode == 0, done[0].stderr
    assert done[0].stdout.splitlines()[-1] == str(tmp_path / "out" / "report.html")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.csv", "out"]
    assert done[1].returncode == 2
    assert done[1].stderr.startswith("error: a rating must be a number, got 'many")
    assert done[1].stderr.count("\n") == 1
