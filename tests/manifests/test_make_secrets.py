"""make-secrets.py prints Secrets that Kubernetes takes, and one message where it cannot."""

import base64
import os
import subprocess
import sys

import pytest
import yaml

from tests.manifests.rendered import MANIFESTS, Object, render_overlay
from tests.manifests.resource_schemas import validate

KEYS = {"AWS_ACCESS_KEY_ID": "known", "AWS_SECRET_ACCESS_KEY": "k/e+y=="}


def run(*arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, str(MANIFESTS / "make-secrets.py"), *arguments]
    environment = {"PATH": os.environ["PATH"], **variables}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def read(output: str) -> dict[str, Object]:
    return {item["metadata"]["name"]: item for item in yaml.safe_load_all(output)}


def values(output: str) -> dict[str, str]:
    data = {key: value for item in read(output).values() for key, value in item["data"].items()}
    return {key: base64.b64decode(value).decode() for key, value in data.items()}


def test_secrets_are_valid_and_in_the_namespace() -> None:
    secrets = read(run("--namespace", "overread").stdout)
    assert set(secrets) == {"overread-credentials", "mlflow-server", "postgres"}
    for item in secrets.values():
        validate(item)
        assert item["metadata"]["namespace"] == "overread"
        assert item["immutable"] is True


def test_values_are_fresh_each_time_and_long() -> None:
    first, second = (values(run("--namespace", "overread").stdout) for _ in range(2))
    fresh = set(first) - {"MLFLOW_TRACKING_USERNAME"}
    assert all(first[name] != second[name] and len(first[name]) >= 20 for name in fresh)
    assert len({first[name] for name in fresh}) == len(fresh) - 1


def test_tasks_log_in_as_the_administrator_of_mlflow() -> None:
    made = values(run("--namespace", "overread").stdout)
    configs = render_overlay("local").of_kind("ConfigMap")
    (administrator,) = {item["data"]["MLFLOW_AUTH_ADMIN_USERNAME"] for item in configs if "PGHOST" in item["data"]}
    assert made["MLFLOW_TRACKING_USERNAME"] == administrator
    assert made["MLFLOW_TRACKING_PASSWORD"] == made["MLFLOW_AUTH_ADMIN_PASSWORD"]


def test_existing_values_are_taken_from_the_environment() -> None:
    made = values(run("--namespace", "overread", "--existing", *KEYS, PGPASSWORD="not asked for", **KEYS).stdout)
    assert KEYS.items() <= made.items()
    assert made["PGPASSWORD"] != "not asked for"


@pytest.mark.parametrize(
    ("arguments", "variables", "message"),
    [
        (["--namespace", "Over_read"], {}, "--namespace must hold lower-case letters, digits and hyphens"),
        (["--namespace", "a" * 64], {}, "63 at most"),
        (["--namespace", "x", "--existing", "PGPASS"], {}, "--existing must hold names among"),
        (["--namespace", "x", "--existing", "PGPASSWORD"], {}, "PGPASSWORD must be set in the environment"),
        (["--namespace", "x", "--existing", "PGPASSWORD"], {"PGPASSWORD": "x\n"}, "must not begin or end with white"),
        (["--namespace", "x", "--existing", "AWS_ACCESS_KEY_ID"], KEYS, "AWS_SECRET_ACCESS_KEY is missing"),
    ],
)
def test_bad_input_gets_one_message_and_no_secret(
    arguments: list[str], variables: dict[str, str], message: str
) -> None:
    result = run(*arguments, **variables)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("make-secrets: ")
    assert result.stderr.count("\n") == 1
    assert message in result.stderr
