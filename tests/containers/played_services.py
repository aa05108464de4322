"""The services of `manifests/`, run by `podman kube play` from the rendered files.

It plays the overlay `podman`, which differs from `local` in addresses and in what podman cannot do. All pods share one
isolated network, where they are reached on the loopback address.
"""

import base64
import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.containers.engine import REPOSITORY, build, podman
from tests.containers.launcher import Objects
from tests.containers.network import TaskNetwork, inside

STAND_INS = {"postgres": "postgres", "chrislusf/seaweedfs": "seaweedfs", "prom/pushgateway": "pushgateway"}
"""Images that cannot be pulled everywhere, and the Dockerfiles of what stands in for them."""
_IMAGES = "tests/containers/images"
_READY_SECONDS = 300


@dataclass(frozen=True)
class Services:
    """Services that run.

    Attributes:
        network: theirs, and that of the tasks.
        file: what podman plays.
        objects: ConfigMaps of the file, and the Secrets.
    """

    network: TaskNetwork
    file: Path
    objects: Objects

    @property
    def environment(self) -> dict[str, str]:
        """What a task reads."""
        return {**self.objects.config_maps["overread"], **self.objects.secrets["overread-credentials"]}

    def play(self) -> None:
        """Make all pods and wait until they are ready."""
        # The network of the pods is that of the machine as podman sees it: from inside, the isolated one.
        podman("kube", "play", "--network=host", str(self.file), before=self.network.enter)
        _wait_until_ready()

    def stop(self) -> None:
        """Stop all pods."""
        podman("pod", "stop", "--time=60", *_list_pods())

    def start(self) -> None:
        """Start stopped pods and wait until they are ready."""
        podman("pod", "start", *_list_pods(), before=self.network.enter)
        _wait_until_ready()

    def kill(self, name: str) -> None:
        """End the pod of a Deployment as the failure of its node does."""
        podman("pod", "kill", "--signal=KILL", _name_pod(name))

    def find_volume(self, claim: str) -> Path:
        """Where this machine keeps the volume of a claim."""
        return Path(podman("volume", "inspect", "--format={{.Mountpoint}}", claim).strip())


@contextmanager
def playing(network: TaskNetwork, mlflow_image: str, folder: Path) -> Iterator[Services]:
    """Run the services with fresh Secrets and empty volumes."""
    rendered = render("podman")
    for image in {container["image"] for container in list_containers(rendered).values()}:
        _provide(image, mlflow_image)
    file = folder / "podman.yaml"
    file.write_text(yaml.safe_dump_all(rendered))
    configs = {item["metadata"]["name"]: item["data"] for item in rendered if item["kind"] == "ConfigMap"}
    services = Services(network, file, Objects(configs, make_secrets()))
    claims = [item["metadata"]["name"] for item in rendered if item["kind"] == "PersistentVolumeClaim"]
    _forget(file, claims)
    try:
        services.play()
        yield services
    finally:
        _forget(file, claims)


def render(overlay: str) -> list[dict[str, Any]]:
    """The objects of an overlay."""
    folder = REPOSITORY / "manifests" / "overlays" / overlay
    done = subprocess.run(["kubectl", "kustomize", str(folder)], check=True, capture_output=True, text=True)
    return list(yaml.safe_load_all(done.stdout))


def list_containers(objects: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The container of each Deployment."""
    return {
        item["metadata"]["name"]: item["spec"]["template"]["spec"]["containers"][0]
        for item in objects
        if item["kind"] == "Deployment"
    }


def list_probes() -> list[tuple[str, str]]:
    """Service and URL of every HTTP probe of the overlay `local`."""
    found = []
    for name, container in list_containers(render("local")).items():
        ports = {port["name"]: port["containerPort"] for port in container["ports"]}
        probes = [container[f"{kind}Probe"] for kind in ("startup", "readiness", "liveness")]
        asked = [probe["httpGet"] for probe in probes if "httpGet" in probe]
        found += [(name, f"http://127.0.0.1:{ports[probe['port']]}{probe['path']}") for probe in asked]
    return found


def make_secrets() -> dict[str, Mapping[str, str]]:
    """Fresh Secrets, as the script prints them, given to podman as the README says; returns their values."""
    command = [sys.executable, str(REPOSITORY / "manifests" / "make-secrets.py"), "--namespace", "overread"]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = {}
    for secret in yaml.safe_load_all(printed):
        name, data = secret["metadata"]["name"], secret["data"]
        subprocess.run(["podman", "secret", "rm", name], check=False, capture_output=True)
        create = ["podman", "secret", "create", name, "-"]
        subprocess.run(create, input=json.dumps(data).encode(), check=True, capture_output=True)
        found[name] = {key: base64.b64decode(value).decode() for key, value in data.items()}
    return found


def ask(url: str) -> int:
    """The status of an answer from inside the network; 0 for none."""
    with inside(), suppress(urllib.error.URLError, OSError), urllib.request.urlopen(url, timeout=10) as answer:
        return int(answer.status)
    return 0


def _provide(image: str, mlflow_image: str) -> None:
    """Give an image the name by which the manifests call it."""
    stand_in = STAND_INS.get(image.rpartition(":")[0])
    if stand_in is None:
        podman("tag", mlflow_image, f"localhost/{image}")
    else:
        build(f"localhost/{image}", f"{_IMAGES}/{stand_in}.Dockerfile", context=_IMAGES)


def _list_pods() -> list[str]:
    return [_name_pod(name) for name in list_containers(render("podman"))]


def _name_pod(deployment: str) -> str:
    return f"{deployment}-pod-0"


def _wait_until_ready() -> None:
    for name, url in list_probes():
        _wait_until_answered(name, url)


def _wait_until_answered(name: str, url: str) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while ask(url) != 200:
        if time.monotonic() > deadline:
            raise AssertionError(f"{name} does not answer {url}:\n{_read_logs()}")
        time.sleep(0.5)


def _read_logs() -> str:
    names = [name for name in podman("ps", "--all", "--format", "{{.Names}}").split() if "-pod-" in name]
    return "\n".join(f"{name}:\n{podman('logs', '--tail=30', name)}" for name in names)


def _forget(file: Path, claims: list[str]) -> None:
    subprocess.run(["podman", "kube", "down", str(file)], check=False, capture_output=True)
    subprocess.run(["podman", "volume", "rm", "--force", *claims], check=False, capture_output=True)
