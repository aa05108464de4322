"""What a user reads when Kubeflow cannot be reached or refuses."""

import socket
import subprocess

import pytest

from overread.kubeflow.connection import describe_refusal, describe_unreadable, extract_message
from tests.kubeflow.kubeflow_server import KubeflowServer, Mishap

LOGIN = b"<!DOCTYPE html><html><title>Log in to your account</title></html>"
STUDY = "study=https://git.example/discs"
# The answers that start a run, given without regard to what is asked.
STARTED = [
    Mishap(200, b'{"experiments": [{"experiment_id": "e", "display_name": "Overread"}]}'),
    Mishap(200, b'{"run_id": "run-1"}'),
]


@pytest.fixture
def submit(kubeflow, run_command):
    def call(*arguments, host=None):
        return run_command(
            "submit", "rater-bias", "--set", STUDY, "--host", host or kubeflow.address, "--interval", "0.02", *arguments
        )

    return call


def check_is_one_message(result, *parts):
    code, _, errors = result
    assert code == 2
    assert errors.startswith("error: ")
    assert len(errors.splitlines()) == 1
    assert [part for part in parts if part not in errors] == []


def test_a_host_where_nobody_listens(submit):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
        check_is_one_message(
            submit(host=address), "Kubeflow Pipelines must be reachable, got Connection refused", address, "--host"
        )


def test_a_host_that_does_not_answer_is_given_up_in_time(kubeflow, submit):
    kubeflow.mishaps.append(Mishap(delay_seconds=600))
    check_is_one_message(submit("--timeout", "0.3"), "must answer within 0.3 s, got no answer", "--timeout")
    assert kubeflow.exchanges == [], "the answer came before the command gave up"


def test_a_wrong_token(kubeflow, submit, monkeypatch):
    kubeflow.token = "right"
    monkeypatch.setenv("KF_PIPELINES_TOKEN", "wrong-secret")
    result = submit()
    check_is_one_message(result, "must know who asks, got 401", "no user identity header", "KF_PIPELINES_TOKEN")
    assert "wrong-secret" not in result[2]


def test_a_namespace_of_somebody_else(kubeflow, submit):
    kubeflow.state.namespaces = ("team-a",)
    check_is_one_message(
        submit("--namespace", "team-b"), "must be allowed to do this, got 403", "namespace 'team-b'", "--namespace"
    )


def test_a_namespace_that_is_missing(kubeflow, submit):
    kubeflow.state.namespaces = ("team-a",)
    check_is_one_message(submit(), "got 400 Invalid input error: a namespace cannot be empty")


def test_a_path_that_is_missing(kubeflow, submit):
    kubeflow.prefix = "/pipeline"
    kubeflow.mishaps.append(Mishap(404, b"404 page not found", "text/plain"))
    check_is_one_message(submit(host=kubeflow.origin), "must exist", "got 404 404 page not found", "the path in --host")


def test_a_conflict(kubeflow, submit):
    kubeflow.mishaps.extend([Mishap(200, b"{}"), Mishap(409, b'{"code": 6, "message": "name Overread already exist"}')])
    check_is_one_message(submit(), "must not exist yet, got 409 name Overread already exist")


def test_a_server_that_breaks_says_why(kubeflow, submit):
    body = b'{"error_message": "MySQL has gone away", "error_details": "long"}'
    kubeflow.mishaps.append(Mishap(500, body))
    check_is_one_message(submit(), "must be able to serve a request, got 500 MySQL has gone away", "GET http://")


def test_a_login_page_is_no_answer(kubeflow, submit):
    kubeflow.mishaps.append(Mishap(200, LOGIN, "text/html"))
    check_is_one_message(submit(), "must answer with JSON, got a web page", "KF_PIPELINES_COOKIE")


def test_a_redirect_is_named_and_not_followed(kubeflow, submit):
    kubeflow.mishaps.append(Mishap(302, location="https://dex.example/auth?state=1"))
    check_is_one_message(submit(), "got a redirect to https://dex.example/auth?state=1", "login page")
    assert len(kubeflow.exchanges) == 1


def test_a_run_is_never_posted_twice(kubeflow, submit):
    kubeflow.mishaps.extend([Mishap(200, b"{}"), Mishap(200, b'{"experiment_id": "e"}'), Mishap(503, b"busy")])
    check_is_one_message(submit(), "got 503 busy")
    assert [exchange.path for exchange in kubeflow.exchanges].count("/apis/v2beta1/runs") == 1


def test_a_short_outage_does_not_end_the_waiting(kubeflow, submit):
    kubeflow.state.runs.append({"run_id": "run-1", "display_name": "r", "state": "SUCCEEDED"})
    kubeflow.mishaps.extend([*STARTED, *[Mishap(503, b"no healthy upstream")] * 2])
    code, output, _ = submit("--wait")
    assert code == 0
    assert output.count("  asking again: Kubeflow Pipelines must be able to serve a request, got 503") == 2
    assert output.endswith("run: succeeded\n")


def test_outages_are_counted_anew_after_each_answer(kubeflow, submit):
    kubeflow.state.runs.append({"run_id": "run-1", "display_name": "r", "state": "SUCCEEDED"})
    outage, answer = [Mishap(503, b"down")] * 9, Mishap(200, b'{"run_id": "run-1", "state": "RUNNING"}')
    kubeflow.mishaps.extend([*STARTED, *outage, answer, *outage])
    code, output, _ = submit("--wait")
    assert (code, output.count("asking again: ")) == (0, 18)


@pytest.mark.parametrize(("mishap", "looks"), [(Mishap(503, b"down"), 10), (Mishap(403, b"no"), 1)])
def test_an_outage_that_stays_ends_the_waiting(kubeflow, submit, mishap, looks):
    kubeflow.mishaps.extend([*STARTED, *[mishap] * 20])
    check_is_one_message(submit("--wait"), f"got {mishap.status}")
    assert len(kubeflow.exchanges) == 2 + looks


def test_the_authority_of_a_gateway_can_be_named(run_command, tmp_path):
    certificate = tmp_path / "gateway.pem"
    subject = ["-subj", "/CN=gateway", "-addext", "subjectAltName=IP:127.0.0.1"]
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "key.pem"]
    command = ["openssl", "req", "-x509", "-days", "1", *key, *subject, "-out", str(certificate)]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    both = tmp_path / "both.pem"
    both.write_text(certificate.read_text() + (tmp_path / "key.pem").read_text())
    server = KubeflowServer()
    with server.run(both):
        command = ("submit", "rater-bias", "--set", STUDY, "--host", server.address)
        check_is_one_message(
            run_command(*command), "must be one that is trusted", "self-signed certificate", "--ca-cert"
        )
        assert run_command(*command, "--ca-cert", str(certificate))[0] == 0


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"code": 5, "message": "not found", "details": []}', "not found"),
        (b'{"error": "Forbidden"}', "Forbidden"),
        (b'{"reason": 1}', '{"reason": 1}'),
        (b"RBAC: access denied", "RBAC: access denied"),
        (b"<html>", ""),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (None, ""),
        (b"x" * 501, "x" * 500 + " …"),
    ],
)
def test_the_message_of_an_answer_is_found(body, message):
    assert extract_message(body) == message


def test_an_answer_that_is_neither_page_nor_json_is_shown():
    assert "got 'upstream gone'" in str(describe_unreadable(b"upstream gone", where="GET /"))


@pytest.mark.parametrize(("status", "transient"), [(401, False), (403, False), (404, False), (500, False), (503, True)])
def test_only_outages_are_worth_another_try(status, transient):
    assert describe_refusal(status, b"", where="GET /").transient is transient
