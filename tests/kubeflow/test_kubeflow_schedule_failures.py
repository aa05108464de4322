"""Schedules that are refused, or whose making is interrupted."""

import json

import pytest

from tests.kubeflow.conftest import list_writes
from tests.kubeflow.kubeflow_server import Mishap

STUDY = "study=https://git.example/discs.git"
NAME = "rater-bias-discs"
BROKEN = b'{"code": 13, "message": "no connection to the database"}'


@pytest.mark.usefixtures("scheduled")
@pytest.mark.parametrize(
    ("mishap", "enabled"),
    [
        (Mishap(500, BROKEN, method="POST"), ["0 0 3 * * *"]),
        (Mishap(504, BROKEN, method="POST", is_served=True), ["0 0 3 * * *"]),
        (Mishap(500, BROKEN, method="DELETE"), ["0 0 3 * * *"]),
        (Mishap(504, BROKEN, method="DELETE", is_served=True), []),
    ],
    ids=["creation refused", "creation unanswered", "deletion refused", "deletion unanswered"],
)
def test_a_failure_on_the_way_never_leaves_two_in_force_and_the_next_call_repairs(kubeflow, schedule, mishap, enabled):
    kubeflow.mishaps.append(mishap)
    code, output, errors = schedule(cron="0 4 * * *")
    assert (code, output) == (2, "")
    assert "no connection to the database" in errors

    def list_enabled():
        runs = kubeflow.state.recurring_runs
        return [run["trigger"]["cron_schedule"]["cron"] for run in runs if run["status"] == "ENABLED"]

    assert list_enabled() == enabled
    assert schedule(cron="0 4 * * *")[0] == 0
    assert list_enabled() == ["0 0 4 * * *"]
    assert len(kubeflow.state.recurring_runs) == 1
    assert schedule(cron="0 4 * * *")[1].startswith(f"{NAME}: unchanged")


@pytest.mark.usefixtures("scheduled")
def test_one_that_somebody_else_deletes_at_the_same_time_is_no_failure(kubeflow, schedule):
    gone = Mishap(404, b'{"code": 5, "message": "not found"}', method="DELETE", is_served=True)
    kubeflow.mishaps.append(gone)
    assert schedule(cron="0 4 * * *")[0] == 0
    assert [run["status"] for run in kubeflow.state.recurring_runs] == ["ENABLED"]


@pytest.mark.usefixtures("scheduled")
def test_a_recurring_run_that_kubeflow_cannot_read_is_passed_over(kubeflow, schedule):
    unreadable = {"recurring_run_id": "x", "error": {"code": 13, "message": "not parsed"}}
    kubeflow.state.recurring_runs.insert(0, unreadable)
    assert schedule()[1].startswith(f"{NAME}: unchanged")


@pytest.mark.parametrize("there", ["no pipeline", "no version"])
def test_what_was_not_uploaded_is_not_scheduled(kubeflow, schedule, there):
    if there == "no version":
        kubeflow.state.pipelines.append({"pipeline_id": "p", "display_name": "rater-bias"})
    code, _, errors = schedule()
    assert code == 2
    assert errors.startswith("error: rater-bias must be uploaded before it is scheduled, got no version of it")
    assert "overread upload rater-bias" in errors
    assert list_writes(kubeflow) == []


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"cron": "0 24 * * *"}, "the hour of --cron must be 0 to 23, got '24'"),
        ({"settings": ("study=discs",)}, "the study of a schedule must be an address that the cluster reaches"),
        ({"settings": ("study=/data/discs",)}, "the study of a schedule must be an address that the cluster reaches"),
        (
            {"settings": ("study=file:///data/x",)},
            "the study of a schedule must be an address that the cluster reaches",
        ),
        ({"settings": ("folds=5",)}, "rater-bias must have a value for study"),
        ({"settings": (STUDY, "fold=5")}, "a parameter of rater-bias must be a known one, got 'fold'"),
        ({"settings": (STUDY, "folds=x")}, "folds must be of type int, got 'x'"),
        ({"host": "kubeflow.example"}, "--host must be an address such as"),
    ],
)
def test_bad_input_is_refused_before_anything_is_asked(kubeflow, schedule, given, message):
    code, output, errors = schedule(**given)
    assert (code, output, len(errors.splitlines())) == (2, "", 1)
    assert errors.startswith(f"error: {message}")
    assert kubeflow.exchanges == []


@pytest.mark.usefixtures("scheduled")
@pytest.mark.parametrize(
    ("mishap", "message"),
    [
        (Mishap(401, b"", method="POST"), "must know who asks, got 401"),
        (Mishap(403, b'{"message": "not authorized"}', method="POST"), "must be allowed to do this, got 403"),
        (Mishap(409, b'{"message": "name in use"}', method="POST"), "must not exist yet, got 409 name in use"),
        (Mishap(404, b'{"message": "no version"}', method="POST"), "must exist in Kubeflow Pipelines, got 404"),
        (Mishap(500, BROKEN, method="POST"), "got 500 no connection to the database"),
        (Mishap(delay_seconds=60, method="POST"), "must answer within 0.3 s, got no answer"),
    ],
    ids=["401", "403", "409", "404", "500", "silence"],
)
def test_a_refusal_is_one_message_and_nothing_is_asked_twice(kubeflow, schedule, mishap, message):
    before = json.dumps(kubeflow.state.recurring_runs)
    kubeflow.mishaps.append(mishap)
    code, output, errors = schedule(cron="0 4 * * *", timeout=0.3)
    assert (code, output, len(errors.splitlines())) == (2, "", 1)
    assert message in errors
    assert json.dumps(kubeflow.state.recurring_runs) == before
    assert list_writes(kubeflow) == ([] if mishap.delay_seconds else [("POST", "")])
