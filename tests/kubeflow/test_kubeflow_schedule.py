"""Recurring runs: made, left alone and replaced."""

import json

import pytest

from overread.kubeflow import catalogue
from overread.kubeflow.schedule import name_recurring_run
from tests.kubeflow.conftest import list_writes

STUDY = "study=https://git.example/discs.git"
NAME = "rater-bias-discs"
DAILY = "0 3 * * * (UTC unless Kubeflow is set to another time zone)"


def change_package(packages, upload):
    path = packages / "rater-bias.yaml"
    path.write_text(path.read_text() + "# another package\n")
    assert upload("rater-bias")[0] == 0


@pytest.mark.usefixtures("uploaded")
def test_a_schedule_is_made_of_the_newest_version(kubeflow, schedule):
    code, output, errors = schedule(settings=(STUDY, "folds=5", "classifier=false", "mix_ratios="))
    (run,) = kubeflow.state.recurring_runs
    (version,) = kubeflow.state.versions
    assert (code, errors) == (0, "")
    assert output.splitlines() == [
        f"{NAME}: created, {DAILY}, {kubeflow.address}/#/recurringrun/details/{run['recurring_run_id']}",
        f"  version: {version['name']}",
        "  experiment: Overread",
        "  parameter study: https://git.example/discs.git",
        "  parameter folds: 5",
        "  parameter classifier: false",
        "  parameter mix_ratios: ''",
    ]
    (posted,) = (e.body for e in kubeflow.exchanges if (e.method, e.path) == ("POST", "/apis/v2beta1/recurringruns"))
    assert posted == {
        "display_name": NAME,
        "experiment_id": kubeflow.state.experiments[0]["experiment_id"],
        "pipeline_version_reference": {
            "pipeline_id": version["pipeline_id"],
            "pipeline_version_id": version["pipeline_version_id"],
        },
        "runtime_config": {
            "parameters": {
                "study": "https://git.example/discs.git",
                "folds": 5,
                "classifier": False,
                "mix_ratios": "",
            }
        },
        "trigger": {"cron_schedule": {"cron": "0 0 3 * * *"}},
        "max_concurrency": "1",
        "no_catchup": True,
        "mode": "ENABLE",
    }


@pytest.mark.usefixtures("scheduled")
def test_the_same_again_changes_nothing(kubeflow, schedule):
    before = json.dumps(kubeflow.state.recurring_runs)
    code, output, _ = schedule()
    (run,) = kubeflow.state.recurring_runs
    page = f"{kubeflow.address}/#/recurringrun/details/{run['recurring_run_id']}"
    assert (code, output) == (0, f"{NAME}: unchanged, {DAILY}, {page}\n")
    assert list_writes(kubeflow) == []
    assert json.dumps(kubeflow.state.recurring_runs) == before


@pytest.mark.usefixtures("scheduled")
def test_a_newer_version_takes_the_place_of_the_old_one(kubeflow, schedule, packages, upload):
    (old,) = kubeflow.state.recurring_runs
    change_package(packages, upload)
    kubeflow.exchanges.clear()
    code, output, errors = schedule()
    first, second = kubeflow.state.versions
    (new,) = kubeflow.state.recurring_runs
    assert (code, errors) == (0, "")
    assert output.splitlines()[0].startswith(f"{NAME}: replaced, {DAILY}, ")
    assert output.splitlines()[1:] == [f"  version: {first['name']} -> {second['name']}"]
    assert new["pipeline_version_reference"]["pipeline_version_id"] == second["pipeline_version_id"]
    assert new["status"] == "ENABLED"
    # The new one is refused before the old one is gone, and the two never start runs together.
    assert list_writes(kubeflow) == [
        ("POST", ""),
        ("DELETE", f"/{old['recurring_run_id']}"),
        ("POST", f"/{new['recurring_run_id']}:enable"),
    ]


@pytest.mark.usefixtures("scheduled")
def test_a_run_in_progress_outlives_its_recurring_run(kubeflow, schedule):
    schedule(cron="0 4 * * *")
    (deletion,) = (exchange for exchange in kubeflow.exchanges if exchange.method == "DELETE")
    assert deletion.query == {"propagation_policy": ["ORPHAN"]}


@pytest.mark.usefixtures("uploaded")
@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        ({}, {"cron": "0 4 * * mon"}, ["cron: 0 3 * * * -> 0 4 * * MON"]),
        ({}, {"settings": (STUDY, "folds=5")}, ["parameter folds: its default -> 5"]),
        ({"settings": (STUDY, "folds=5")}, {}, ["parameter folds: 5 -> its default"]),
        (
            {"settings": (STUDY, "folds=4", "classifier=true")},
            {"settings": (STUDY, "folds=5", "classifier=false")},
            ["parameter classifier: true -> false", "parameter folds: 4 -> 5"],
        ),
        (
            {"settings": ("study=https://anna:secret@git.example/discs",)},
            {"settings": ("study=https://git.example/discs",)},
            ["parameter study: https://git.example/discs -> https://git.example/discs"],
        ),
    ],
)
def test_another_setting_is_shown_and_takes_its_place(kubeflow, schedule, before, after, changes):
    schedule(**before)
    code, output, _ = schedule(**after)
    assert (code, [line.strip() for line in output.splitlines()[1:]]) == (0, changes)
    assert len(kubeflow.state.recurring_runs) == 1
    assert schedule(**after)[1].startswith(f"{NAME}: unchanged")


@pytest.mark.usefixtures("scheduled")
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"runtime_config": {"parameters": {"study": "https://anna:secret@git.example/group/discs"}}},
            "must run on https://git.example/discs.git to be changed, got https://git.example/group/discs",
        ),
        (
            {"pipeline_version_reference": {"pipeline_id": "pipeline-9"}},
            "must run rater-bias to be changed, got another pipeline",
        ),
    ],
)
def test_a_schedule_of_something_else_is_left_alone(kubeflow, schedule, change, message):
    kubeflow.state.recurring_runs[0].update(change)
    remembered = json.dumps(kubeflow.state.recurring_runs)
    kubeflow.exchanges.clear()
    code, _, errors = schedule(cron="0 4 * * *")
    assert code == 2
    assert errors.startswith(f"error: the recurring run {NAME!r} {message}. Hint: give yours another --name")
    assert list_writes(kubeflow) == []
    assert json.dumps(kubeflow.state.recurring_runs) == remembered


@pytest.mark.usefixtures("scheduled")
def test_another_experiment_is_made_and_takes_its_place(kubeflow, schedule):
    code, output, _ = schedule("--experiment", "Nightly")
    assert (code, output.splitlines()[1:]) == (0, ["  experiment: Overread -> Nightly"])
    assert kubeflow.state.recurring_runs[0]["experiment_id"] == kubeflow.state.experiments[1]["experiment_id"]


@pytest.mark.usefixtures("scheduled")
@pytest.mark.parametrize(
    ("change", "lines"),
    [
        ({"max_concurrency": "3"}, ["runs at a time: 3 -> 1"]),
        ({"no_catchup": False}, ["missed runs: made up for -> left out"]),
        (
            {"trigger": {"cron_schedule": {"cron": "0 0 3 * * *", "end_time": "2030-01-01T00:00:00Z"}}},
            ["cron: 0 3 * * * to 2030-01-01 00:00 -> 0 3 * * *"],
        ),
        ({"trigger": {"periodic_schedule": {"interval_second": "3600"}}}, ["cron: every 3600 s -> 0 3 * * *"]),
        ({"trigger": {}}, ["cron: once -> 0 3 * * *"]),
        (
            {"pipeline_version_reference": {"pipeline_id": "pipeline-1"}},
            ["version: the newest one at each run -> {version}"],
        ),
        (
            {"pipeline_version_reference": {}, "pipeline_spec": {"root": {}}},
            ["pipeline: a package of its own -> rater-bias", "version: none -> {version}"],
        ),
        (
            {"pipeline_version_reference": {"pipeline_id": "pipeline-1", "pipeline_version_id": "deleted-9"}},
            ["version: deleted-9 -> {version}"],
        ),
        ({"experiment_id": "deleted-8"}, ["experiment: deleted-8 -> Overread"]),
        ({"runtime_config": {}}, ["parameter study: its default -> https://git.example/discs.git"]),
    ],
)
def test_what_others_changed_is_shown_and_set_right(kubeflow, schedule, change, lines):
    kubeflow.state.recurring_runs[0].update(change)
    code, output, _ = schedule()
    version = kubeflow.state.versions[0]["name"]
    assert (code, output.splitlines()[1:]) == (0, [f"  {line.format(version=version)}" for line in lines])
    assert schedule()[1].startswith(f"{NAME}: unchanged")


@pytest.mark.usefixtures("scheduled")
def test_a_disabled_one_is_enabled_again(kubeflow, schedule):
    (run,) = kubeflow.state.recurring_runs
    run.update(mode="DISABLE", status="DISABLED")
    code, output, _ = schedule()
    assert (code, output.splitlines()[1:]) == (0, ["  enabled: no -> yes"])
    assert list_writes(kubeflow) == [("POST", f"/{run['recurring_run_id']}:enable")]
    assert run["status"] == "ENABLED"


@pytest.mark.usefixtures("scheduled")
def test_one_of_several_with_the_same_name_is_left(kubeflow, schedule):
    (kept,) = kubeflow.state.recurring_runs
    same = {**kept, "recurring_run_id": "same-but-disabled", "mode": "DISABLE", "status": "DISABLED"}
    other = {**kept, "recurring_run_id": "other", "trigger": {"cron_schedule": {"cron": "0 30 4 * * *"}}}
    stranger = {**kept, "recurring_run_id": "capital-letters", "display_name": NAME.upper()}
    kubeflow.state.recurring_runs[:0] = [other, same, stranger]
    kubeflow.state.largest_page = 1
    code, output, _ = schedule()
    assert (code, output.splitlines()[0].startswith(f"{NAME}: unchanged, ")) == (0, True)
    assert sorted(output.splitlines()[1:]) == [
        "  duplicate: other (30 4 * * *, enabled) -> deleted",
        "  duplicate: same-but-disabled (0 3 * * *, disabled) -> deleted",
    ]
    assert kubeflow.state.recurring_runs == [stranger, kept]


@pytest.mark.usefixtures("scheduled")
def test_what_takes_the_place_of_several_is_compared_with_the_one_in_force(kubeflow, schedule):
    (run,) = kubeflow.state.recurring_runs
    later = {"recurring_run_id": "later", "mode": "DISABLE", "status": "DISABLED", "created_at": "2027-01-01T00:00:00Z"}
    kubeflow.state.recurring_runs.append(run | later)
    assert schedule(cron="0 4 * * *")[1].splitlines()[1:] == [
        "  cron: 0 3 * * * -> 0 4 * * *",
        "  duplicate: later (0 3 * * *, disabled) -> deleted",
    ]
    assert len(kubeflow.state.recurring_runs) == 1


@pytest.mark.usefixtures("uploaded")
@pytest.mark.parametrize("before", [True, False], ids=["one is there", "none is there"])
def test_a_dry_run_says_what_would_be_and_asks_for_no_change(kubeflow, schedule, before):
    if before:
        schedule()
    kubeflow.exchanges.clear()
    remembered = json.dumps([kubeflow.state.recurring_runs, kubeflow.state.experiments])
    code, output, _ = schedule("--dry-run", cron="0 4 * * *")
    first, *others = output.splitlines()
    would = "replaced" if before else "created"
    assert (code, first) == (0, f"{NAME}: would be {would}, {DAILY.replace('0 3', '0 4')}")
    assert ("  cron: 0 3 * * * -> 0 4 * * *" in others) == before
    assert list_writes(kubeflow) == []
    assert json.dumps([kubeflow.state.recurring_runs, kubeflow.state.experiments]) == remembered
    if before:
        assert schedule("--dry-run")[1] == f"{NAME}: unchanged, {DAILY}\n"


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("https://git.example/group/discs.git/", "rater-bias-discs"),
        ("git@git.example:discs", "rater-bias-discs"),
        ("https://anna:secret@git.example", "rater-bias-git.example"),
        ("", "rater-bias"),
    ],
)
def test_each_study_has_a_schedule_of_its_own(address, name):
    pipeline = catalogue.find_pipeline("rater-bias")
    assert name_recurring_run(pipeline, {"study": address}) == name


@pytest.mark.usefixtures("scheduled")
def test_a_name_can_be_given(kubeflow, schedule):
    assert schedule("--name", "nightly", cron="0 4 * * *")[1].startswith("nightly: created")
    assert [run["display_name"] for run in kubeflow.state.recurring_runs] == [NAME, "nightly"]


def test_a_schedule_belongs_to_the_namespace(kubeflow, upload, schedule):
    kubeflow.state.namespaces = ("team-a", "team-b")
    for namespace in kubeflow.state.namespaces:
        assert upload("rater-bias", "--namespace", namespace)[0] == 0
        assert schedule("--namespace", namespace)[1].startswith(f"{NAME}: created")
    assert schedule("--namespace", "team-b")[1].startswith(f"{NAME}: unchanged")
    assert [run["namespace"] for run in kubeflow.state.recurring_runs] == ["team-a", "team-b"]


@pytest.mark.usefixtures("uploaded")
def test_a_path_in_front_of_kubeflow_is_kept(kubeflow, schedule):
    kubeflow.prefix = "/pipeline"
    code, output, _ = schedule(host=f"{kubeflow.origin}/pipeline/")
    assert code == 0
    assert f", {kubeflow.origin}/pipeline/#/recurringrun/details/" in output


@pytest.mark.usefixtures("uploaded")
def test_another_package_than_the_newest_version_is_worth_a_warning(kubeflow, schedule, packages):
    path = packages / "rater-bias.yaml"
    path.write_text(path.read_text() + "# not uploaded\n")
    code, output, errors = schedule()
    version = kubeflow.state.versions[0]["name"]
    assert (code, output.startswith(f"{NAME}: created")) == (0, True)
    assert errors.startswith(f"warning: {version}, the newest version, is not the package that lies here. Hint: ")
