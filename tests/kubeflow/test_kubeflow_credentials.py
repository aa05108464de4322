"""Who asks: tokens and cookies, where they are found and that they arrive."""

import pytest

from overread.errors import SettingsError
from overread.kubeflow.client import KubeflowClient
from overread.kubeflow.connection import Connection, Credentials, KubeflowError, read_credentials


@pytest.fixture
def token_file(tmp_path):
    path = tmp_path / "token"
    path.write_text("from-a-file\n")
    return path


def list_headers(kubeflow, name):
    return [exchange.headers.get(name) for exchange in kubeflow.exchanges]


def ask(kubeflow, credentials):
    return KubeflowClient(Connection(host=kubeflow.address, timeout=5), credentials)


def test_a_token_of_the_environment_arrives(kubeflow, run_command, monkeypatch):
    kubeflow.token = "of-the-environment"
    monkeypatch.setenv("KF_PIPELINES_TOKEN", "of-the-environment\n")
    assert run_command("submit", "relabel", "--set", "study=s", "--host", kubeflow.address)[0] == 0
    assert set(list_headers(kubeflow, "authorization")) == {"Bearer of-the-environment"}


def test_a_session_cookie_arrives(kubeflow, run_command, monkeypatch):
    kubeflow.cookie = "oauth2_proxy_kubeflow=abc"
    monkeypatch.setenv("KF_PIPELINES_COOKIE", "oauth2_proxy_kubeflow=abc")
    assert run_command("submit", "relabel", "--set", "study=s", "--host", kubeflow.address)[0] == 0
    assert list_headers(kubeflow, "authorization") == [None] * len(kubeflow.exchanges)


def test_the_token_of_a_pod_arrives(kubeflow, run_command, monkeypatch, token_file):
    monkeypatch.setenv("KF_PIPELINES_SA_TOKEN_PATH", str(token_file))
    assert run_command("submit", "relabel", "--set", "study=s", "--host", kubeflow.address)[0] == 0
    assert set(list_headers(kubeflow, "authorization")) == {"Bearer from-a-file"}


def test_a_file_is_read_again_for_each_request(kubeflow, token_file):
    client = ask(kubeflow, Credentials(token_file=token_file))
    client.find_pipeline("relabel")
    token_file.write_text("renewed")
    client.find_pipeline("relabel")
    assert list_headers(kubeflow, "authorization") == ["Bearer from-a-file", "Bearer renewed"]


@pytest.mark.parametrize(("content", "message"), [(None, "must be readable"), (" \n", "must hold a token")])
def test_a_file_without_a_token_is_named(kubeflow, token_file, content, message):
    client = ask(kubeflow, Credentials(token_file=token_file))
    token_file.unlink() if content is None else token_file.write_text(content)
    with pytest.raises(KubeflowError, match=rf"the token's file {message}.*{token_file}"):
        client.find_pipeline("relabel")
    assert kubeflow.exchanges == []


def test_without_credentials_no_header_is_sent(kubeflow):
    ask(kubeflow, Credentials()).find_pipeline("relabel")
    assert list_headers(kubeflow, "authorization") == list_headers(kubeflow, "cookie") == [None]


def test_a_named_file_comes_before_the_environment_and_that_before_the_pod(token_file):
    environment = {"KF_PIPELINES_TOKEN": "t", "KF_PIPELINES_SA_TOKEN_PATH": str(token_file)}
    assert read_credentials(token_file, environment).token_file == token_file
    assert read_credentials(None, environment) == Credentials(token="t")
    assert read_credentials(None, {**environment, "KF_PIPELINES_TOKEN": ""}) == Credentials(token_file=token_file)


def test_a_pod_token_that_is_not_there_is_named():
    with pytest.raises(SettingsError, match="KF_PIPELINES_SA_TOKEN_PATH must name a file, got /absent"):
        read_credentials(None, {"KF_PIPELINES_SA_TOKEN_PATH": "/absent"})


def test_credentials_do_not_show_their_secrets():
    assert "secret" not in repr(Credentials(token="secret-1", cookie="session=secret-2"))
