"""Running the tasks of a compiled pipeline as Kubeflow's launcher does: a container per task, artifacts in S3.

kfp's local runner walks the graph. Each task gets a new container with nothing but its image, its compiled command and
the environment that the package's platform settings name. The launcher brings its input artifacts from S3 to /s3,
and takes its outputs back there; no file of a task is left on this machine.
"""

import json
import tempfile
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import yaml

from tests.containers.engine import podman
from tests.containers.network import inside

BUCKET = "overread"
PREFIX = "artifacts"
_EXECUTOR_INPUT = "--executor_input"
_SCRATCH = ("s3", "tmp", ".local", ".cache", ".config")
"""What the pods of Kubeflow's tasks mount as empty folders, at the root; /tmp comes from our settings."""


@dataclass(frozen=True)
class Objects:
    """Values of ConfigMaps and Secrets by name."""

    config_maps: Mapping[str, Mapping[str, str]]
    secrets: Mapping[str, Mapping[str, str]]


@dataclass
class ClusterLauncher:
    """Runs tasks.

    Attributes:
        image: the image of all tasks.
        network: what podman's `--network` takes.
        platform: platform settings of the compiled package.
        objects: what they refer to.
        s3: a boto3 client, used inside the network.
        root: where kfp's local runner believes that artifacts are.
        ran: names of the components that ran, in the order in which they ended.
    """

    image: str
    network: str
    platform: Mapping[str, Any]
    objects: Objects
    s3: Any
    root: Path
    ran: list[str] = field(default_factory=list)

    def run(self, command: Sequence[str]) -> int:
        """Run one task; returns the exit code of its container."""
        place = list(command).index(_EXECUTOR_INPUT) + 1
        given = command[place]
        name = list(command)[list(command).index("--function_to_execute") + 1]
        with tempfile.TemporaryDirectory(prefix="overread-pod-", ignore_cleanup_errors=True) as scratch:
            pod = Path(scratch)
            for folder in _SCRATCH:
                (pod / folder).mkdir()
                (pod / folder).chmod(0o777)
            executor_input = json.loads(given)
            with inside():
                self._download(executor_input, pod)
            self._prepare_outputs(executor_input, pod)
            full = [*command[:place], self._translate(given), *command[place + 1 :]]
            code = self._run_container(name, full, pod)
            if code == 0:
                with inside():
                    self._take_outputs(executor_input, pod)
        self.ran.append(name)
        return code

    def _run_container(self, name: str, command: Sequence[str], pod: Path) -> int:
        # Two tasks of a loop run at the same time.
        container = f"overread-{name.replace('_', '-')}-{uuid.uuid4().hex[:8]}"
        environment = pod / "environment"
        environment.write_text("".join(f"{key}={value}\n" for key, value in self._read_environment(name)))
        options = ["--name", container, "--network", self.network, "--read-only", "--read-only-tmpfs=false"]
        options += ["--cap-drop=all", "--security-opt=no-new-privileges", "--user=10001", "--http-proxy=false"]
        options += ["--no-healthcheck", "--no-hosts", f"--env-file={environment}"]
        options += [option for folder in _SCRATCH for option in ("--volume", f"{pod / folder}:/{folder}")]
        try:
            podman("create", *options, self.image, *command)
            podman("start", container)
            code = int(podman("wait", container, timeout=1200))
            print(podman("logs", container))
            return code
        finally:
            podman("rm", "--force", "--ignore", container)

    def _read_environment(self, function: str) -> Iterator[tuple[str, str]]:
        """What the platform settings of the task's executor name; a missing required value is an error."""
        executor = self.platform["deploymentSpec"]["executors"][f"exec-{function.replace('_', '-')}"]
        for source in executor["configMapAsEnv"]:
            values = self.objects.config_maps[source["configMapName"]]
            for key in source["keyToEnv"]:
                if not source["optional"] or key["configMapKey"] in values:
                    yield key["envVar"], values[key["configMapKey"]]
        for source in executor["secretAsEnv"]:
            values = self.objects.secrets[source["secretName"]]
            for key in source["keyToEnv"]:
                yield key["envVar"], values[key["secretKey"]]

    def _translate(self, text: str) -> str:
        """Addresses as on a cluster: artifacts in S3, the rest in /tmp."""
        executor_input = json.loads(text)
        outputs = executor_input.get("outputs", {})
        for parameter in outputs.get("parameters", {}).values():
            parameter["outputFile"] = self._place_in_tmp(parameter["outputFile"])
        outputs["outputFile"] = self._place_in_tmp(outputs["outputFile"])
        return json.dumps(executor_input).replace(f'"{self.root}/', f'"s3://{BUCKET}/{PREFIX}/')

    def _place_in_tmp(self, path: str) -> str:
        return f"/tmp/kfp/{Path(path).relative_to(self.root)}"

    def _key(self, uri: str) -> str:
        return f"{PREFIX}/{Path(uri).relative_to(self.root)}"

    def _download(self, executor_input: Mapping[str, Any], pod: Path) -> None:
        for uri in _list_artifacts(executor_input.get("inputs", {})):
            for key in list_keys(self.s3, self._key(uri)):
                target = pod / "s3" / BUCKET / key
                target.parent.mkdir(parents=True, exist_ok=True)
                self.s3.download_file(BUCKET, key, str(target))

    def _prepare_outputs(self, executor_input: Mapping[str, Any], pod: Path) -> None:
        """The launcher makes the folders of outputs, not the outputs."""
        for uri in _list_artifacts(executor_input["outputs"]):
            (pod / "s3" / BUCKET / self._key(uri)).parent.mkdir(parents=True, exist_ok=True)
        for path in [*_list_output_files(executor_input)]:
            (pod / self._place_in_tmp(path).lstrip("/")).parent.mkdir(parents=True, exist_ok=True)
        for path in [*(pod / "s3").rglob("*"), *(pod / "tmp").rglob("*")]:
            path.chmod(0o777)

    def _take_outputs(self, executor_input: Mapping[str, Any], pod: Path) -> None:
        for uri in _list_artifacts(executor_input["outputs"]):
            written = pod / "s3" / BUCKET / self._key(uri)
            files = [written] if written.is_file() else [path for path in written.rglob("*") if path.is_file()]
            for path in files:
                self.s3.upload_file(str(path), BUCKET, str(path.relative_to(pod / "s3" / BUCKET)))
        for path in _list_output_files(executor_input):
            written = pod / self._place_in_tmp(path).lstrip("/")
            if written.is_file():
                Path(path).parent.mkdir(parents=True, exist_ok=True)
                text = written.read_text().replace(f"s3://{BUCKET}/{PREFIX}/", f"{self.root}/")
                Path(path).write_text(text)


def read_platform(package: Path) -> Mapping[str, Any]:
    """The Kubernetes settings of a compiled package."""
    _, platform = yaml.safe_load_all(package.read_text(encoding="utf-8"))
    return dict(platform["platforms"]["kubernetes"])


def connect_s3(settings: Mapping[str, str]) -> Any:
    """A client with the endpoint and keys of an environment."""
    return boto3.client(
        "s3",
        endpoint_url=settings["AWS_ENDPOINT_URL"],
        aws_access_key_id=settings["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=settings["AWS_SECRET_ACCESS_KEY"],
        region_name=settings["AWS_DEFAULT_REGION"],
    )


def list_keys(s3: Any, prefix: str) -> list[str]:
    """Keys of an artifact: itself, or all below it."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
    keys = [item["Key"] for page in pages for item in page.get("Contents", ())]
    return [key for key in keys if key == prefix or key.startswith(f"{prefix}/")]


def fetch_artifacts(s3: Any, run: str, folder: Path) -> None:
    """Download every artifact of a run, by the run's name, into a folder per task."""
    for key in list_keys(s3, f"{PREFIX}/{run}"):
        target = folder / Path(key).relative_to(f"{PREFIX}/{run}")
        target.parent.mkdir(parents=True, exist_ok=True)
        s3.download_file(BUCKET, key, str(target))


def _list_artifacts(side: Mapping[str, Any]) -> list[str]:
    return [item["uri"] for listed in side.get("artifacts", {}).values() for item in listed["artifacts"]]


def _list_output_files(executor_input: Mapping[str, Any]) -> list[str]:
    outputs = executor_input["outputs"]
    return [outputs["outputFile"], *(value["outputFile"] for value in outputs.get("parameters", {}).values())]
