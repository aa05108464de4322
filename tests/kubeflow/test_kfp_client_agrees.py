"""kfp's own client finds the same server, the same addresses and the same run as Overread's commands do."""

import json
import warnings

import pytest

from tests.kubeflow.kubeflow_state import Look

STUDY = "study=https://git.example/discs"


@pytest.fixture
def kfp_client(kubeflow):
    """A factory, for the address has its prefix only once the test has given it."""

    def connect():
        from kfp import Client

        with warnings.catch_warnings(action="ignore"):
            return Client(host=kubeflow.address, existing_token="abc")

    return connect


@pytest.mark.parametrize("prefix", ["", "/pipeline"])
def test_both_post_the_same_run_and_name_the_same_page(kubeflow, kfp_client, run_command, packages, prefix, capsys):
    kubeflow.prefix = prefix
    _, ours, _ = run_command("submit", "rater-bias", "--set", STUDY, "folds=4", "--host", kubeflow.address)
    experiment = kfp_client().create_experiment("Overread").experiment_id
    capsys.readouterr()
    kfp_client().run_pipeline(
        experiment,
        "kfp's",
        pipeline_package_path=str(packages / "rater-bias.yaml"),
        params={"study": "https://git.example/discs", "folds": 4},
    )
    theirs = capsys.readouterr().out
    first, second = kubeflow.state.runs
    named = ("pipeline_spec", "runtime_config", "experiment_id")
    assert {key: first[key] for key in named} == {key: second[key] for key in named}
    assert theirs.split()[-1] == ours.strip().replace(first["run_id"], second["run_id"])


def test_kfp_reads_what_was_uploaded(kfp_client, upload):
    _, ours, _ = upload("relabel")
    pipeline_id = kfp_client().get_pipeline_id("relabel")
    (version,) = kfp_client().list_pipeline_versions(pipeline_id).pipeline_versions
    assert ours.startswith(f"{version.display_name}: uploaded")


def test_both_make_the_same_recurring_run(kubeflow, kfp_client, run_command, upload):
    upload("rater-bias")
    given = ("--set", STUDY, "folds=4", "--cron", "0 3 * * MON", "--host", kubeflow.address)
    assert run_command("schedule", "rater-bias", *given)[0] == 0
    client, (ours,), (version,) = kfp_client(), kubeflow.state.recurring_runs, kubeflow.state.versions
    client.create_recurring_run(
        ours["experiment_id"],
        ours["display_name"],
        cron_expression="0 0 3 * * MON",
        no_catchup=True,
        params={"study": "https://git.example/discs", "folds": 4},
        pipeline_id=version["pipeline_id"],
        version_id=version["pipeline_version_id"],
    )
    ours, theirs = kubeflow.state.recurring_runs
    apart = dict.fromkeys(("recurring_run_id", "created_at"))
    assert ours | apart == theirs | apart
    again = run_command("schedule", "rater-bias", *given)[1]
    assert f"duplicate: {ours['recurring_run_id']} (0 3 * * MON, enabled) -> deleted" in again
    assert kubeflow.state.recurring_runs == [theirs]


def test_both_see_delete_and_switch_the_same_recurring_runs(kubeflow, kfp_client, run_command, upload):
    upload("rater-bias")
    command = ("rater-bias", "--set", STUDY, "--cron", "0 3 * * *", "--host", kubeflow.address)
    run_command("schedule", *command)
    client = kfp_client()
    chosen = {"predicates": [{"operation": "EQUALS", "key": "display_name", "stringValue": "rater-bias-discs"}]}
    (seen,) = client.list_recurring_runs(filter=json.dumps(chosen)).recurring_runs
    assert client.get_recurring_run(seen.recurring_run_id).trigger.cron_schedule.cron == "0 0 3 * * *"
    client.disable_recurring_run(seen.recurring_run_id)
    assert ": enabled, " in run_command("schedule", *command)[1]
    assert client.get_recurring_run(seen.recurring_run_id).status == "ENABLED"
    client.delete_recurring_run(seen.recurring_run_id)
    assert "there is no recurring run" in run_command("unschedule", "rater-bias", "--host", kubeflow.address)[1]


def test_kfp_waits_for_the_same_end(kubeflow, kfp_client, run_command):
    run_command("submit", "rater-bias", "--set", STUDY, "--host", kubeflow.address)
    kubeflow.state.looks.append(Look("FAILED", [("fetch-study", "FAILED")]))
    run = kfp_client().wait_for_run_completion(kubeflow.state.runs[0]["run_id"], timeout=5)
    assert run.state == "FAILED"
