"""Recurring runs that are deleted."""

import pytest

from tests.kubeflow.conftest import list_writes

NAME = "rater-bias-discs"


@pytest.fixture
def unschedule(kubeflow, run_command):
    def call(*arguments):
        return run_command("unschedule", "rater-bias", "--host", kubeflow.address, "--timeout", "5", *arguments)

    return call


@pytest.mark.usefixtures("scheduled")
def test_the_only_schedule_of_a_pipeline_is_deleted(kubeflow, unschedule):
    (run,) = kubeflow.state.recurring_runs
    stranger = {**run, "recurring_run_id": "s", "display_name": "s", "pipeline_version_reference": {"pipeline_id": "p"}}
    kubeflow.state.recurring_runs.append(stranger)
    code, output, _ = unschedule()
    assert (code, output) == (0, f"{NAME}: deleted, {run['recurring_run_id']} (0 3 * * *, enabled)\n")
    assert kubeflow.state.recurring_runs == [stranger]


@pytest.mark.usefixtures("scheduled")
def test_all_recurring_runs_of_a_name_are_deleted(kubeflow, unschedule):
    (run,) = kubeflow.state.recurring_runs
    kubeflow.state.recurring_runs[:0] = [
        run | {"recurring_run_id": "a"},
        run | {"recurring_run_id": "b", "display_name": "nightly"},
    ]
    assert unschedule("--name", NAME)[0] == 0
    assert [run["display_name"] for run in kubeflow.state.recurring_runs] == ["nightly"]


@pytest.mark.usefixtures("scheduled")
def test_those_of_another_pipeline_stay(kubeflow, unschedule):
    (run,) = kubeflow.state.recurring_runs
    other = run | {"recurring_run_id": "other", "pipeline_version_reference": {"pipeline_id": "pipeline-9"}}
    kubeflow.state.recurring_runs.append(other)
    assert unschedule("--name", NAME)[0] == 0
    assert kubeflow.state.recurring_runs == [other]
    code, _, errors = unschedule("--name", NAME)
    assert code == 2
    assert errors.startswith(
        f"error: the recurring run {NAME!r} must run rater-bias to be changed, got another pipeline"
    )
    assert kubeflow.state.recurring_runs == [other]


@pytest.mark.usefixtures("scheduled")
def test_one_of_several_schedules_must_be_named(kubeflow, schedule, unschedule):
    schedule(settings=("study=https://git.example/cells",))
    code, _, errors = unschedule()
    assert code == 2
    assert errors.startswith(
        "error: rater-bias must have one schedule, or --name say which one, got 'rater-bias-cells', 'rater-bias-discs'"
    )
    assert len(kubeflow.state.recurring_runs) == 2


@pytest.mark.usefixtures("uploaded")
@pytest.mark.parametrize(("arguments", "name"), [((), "rater-bias"), (("--name", "nightly"), "nightly")])
def test_to_delete_what_is_not_there_is_no_failure(kubeflow, unschedule, arguments, name):
    kubeflow.exchanges.clear()
    assert unschedule(*arguments) == (0, f"{name}: there is no recurring run\n", "")
    assert list_writes(kubeflow) == []


@pytest.mark.usefixtures("scheduled")
def test_a_dry_run_deletes_nothing(kubeflow, unschedule):
    (run,) = kubeflow.state.recurring_runs
    assert unschedule("--dry-run") == (
        0,
        f"{NAME}: would be deleted, {run['recurring_run_id']} (0 3 * * *, enabled)\n",
        "",
    )
    assert list_writes(kubeflow) == []
    assert kubeflow.state.recurring_runs == [run]
