import pytest

from overread.adapters.environment import Environment, build_git_environment, read_environment, set_tracking_defaults
from overread.errors import SettingsError


def test_an_empty_environment_says_nothing() -> None:
    assert read_environment({"MLFLOW_TRACKING_URI": " ", "PATH": "/bin"}) == Environment()


def test_every_variable_reaches_its_field() -> None:
    found = read_environment(
        {
            "MLFLOW_TRACKING_URI": "http://mlflow:5000",
            "MLFLOW_RUN_ID": "r1",
            "MLFLOW_EXPERIMENT_ID": "7",
            "OVERREAD_STORE": "s3://results/overread",
            "AWS_ENDPOINT_URL": "http://s3:8333",
            "PUSHGATEWAY_URL": "http://pushgateway:9091",
            "OVERREAD_CODE_COMMIT": "abc",
        }
    )
    assert found == Environment(
        tracking_uri="http://mlflow:5000",
        run_id="r1",
        experiment_id="7",
        store_url="s3://results/overread",
        s3_endpoint_url="http://s3:8333",
        pushgateway_url="http://pushgateway:9091",
        code_commit="abc",
    )


def test_the_endpoint_for_s3_goes_before_the_general_one() -> None:
    found = read_environment({"AWS_ENDPOINT_URL": "http://general", "AWS_ENDPOINT_URL_S3": "http://s3"})
    assert found.s3_endpoint_url == "http://s3"


def test_an_endpoint_without_a_scheme_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"http://.*'s3:8333'"):
        read_environment({"AWS_ENDPOINT_URL": "s3:8333"})


def test_the_environment_is_read_at_each_call_and_not_at_import(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OVERREAD_STORE", "one")
    assert read_environment().store_url == "one"
    monkeypatch.setenv("OVERREAD_STORE", "two")
    assert read_environment().store_url == "two"


def test_tracking_defaults_leave_the_users_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in (
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES",
        "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR",
        "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR",
        "MLFLOW_DISABLE_TELEMETRY",
    ):
        monkeypatch.setenv(name, "to be restored")
        monkeypatch.delenv(name)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "300")
    set_tracking_defaults()
    assert os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] == "300"
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"


def test_git_neither_asks_for_a_password_nor_follows_the_repository_of_a_hook(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_DIR", "/elsewhere/.git")
    monkeypatch.setenv("GIT_SSH_COMMAND", "ssh -i key")
    found = build_git_environment()
    assert found["GIT_TERMINAL_PROMPT"] == "0"
    assert found["GIT_SSH_COMMAND"] == "ssh -i key"
    assert "GIT_DIR" not in found
