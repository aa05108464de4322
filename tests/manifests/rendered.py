"""What an overlay puts into a namespace, and what it finds there."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

Object = dict[str, Any]
MANIFESTS = Path(__file__).parents[2] / "manifests"
OVERLAYS = tuple(sorted(path.parent.name for path in MANIFESTS.glob("overlays/*/kustomization.yaml")))
# Runs without a cluster, so it has neither network policies nor ports.
CLUSTER_OVERLAYS = tuple(name for name in OVERLAYS if name != "podman")
PROFILE_SECRETS = {"mlpipeline-minio-artifact": frozenset({"accesskey", "secretkey"})}
PIPELINE_TASK = {"pipelines.kubeflow.org/v2_component": "true"}
CLIENT = {"overread-client": "true"}


@dataclass(frozen=True)
class Rendered:
    """The objects of an overlay, the Secrets that are made beside it, and labels of pods that others start."""

    objects: Sequence[Object]
    secrets: Mapping[str, frozenset[str]]
    guests: Sequence[Mapping[str, str]] = (PIPELINE_TASK, CLIENT)

    def of_kind(self, *kinds: str) -> list[Object]:
        return [item for item in self.objects if item["kind"] in kinds]

    def named(self, kind: str, name: str) -> Object:
        return next(item for item in self.of_kind(kind) if item["metadata"]["name"] == name)

    @property
    def pods(self) -> list[Object]:
        """The pod templates, each with the name of its Deployment."""
        return [{**item["spec"]["template"], "name": item["metadata"]["name"]} for item in self.of_kind("Deployment")]

    @property
    def containers(self) -> Iterator[tuple[str, Object]]:
        for pod in self.pods:
            for container in (*pod["spec"].get("initContainers", ()), *pod["spec"]["containers"]):
                yield f"{pod['name']}/{container['name']}", container

    @property
    def environments(self) -> Iterator[tuple[str, Object]]:
        """Whatever has `env` and `envFrom`: containers and PodDefaults."""
        yield from self.containers
        for item in self.of_kind("PodDefault"):
            yield f"PodDefault {item['metadata']['name']}", item["spec"]


def render(folder: Path) -> list[Object]:
    """Render an overlay with kubectl; skip where kubectl is missing, fail there in continuous integration."""
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        message = "needs kubectl, which renders the manifests"
        pytest.fail(message) if os.environ.get("CI") == "true" else pytest.skip(message)
    run = subprocess.run([kubectl, "kustomize", str(folder)], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return list(yaml.safe_load_all(run.stdout))


@cache
def render_overlay(name: str) -> Rendered:
    secrets = made_secrets() | (PROFILE_SECRETS if name == "kubeflow" else {})
    return Rendered(render(MANIFESTS / "overlays" / name), secrets)


@cache
def made_secrets() -> dict[str, frozenset[str]]:
    """Names and keys of the Secrets that make-secrets.py prints."""
    command = [sys.executable, str(MANIFESTS / "make-secrets.py"), "--namespace", "overread"]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return {item["metadata"]["name"]: frozenset(item["data"]) for item in yaml.safe_load_all(output)}


def selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether a label selector takes in these labels; an empty one takes in all."""
    assert set(selector) <= {"matchLabels"}, f"these tests read matchLabels only, got {sorted(selector)}"
    return selector.get("matchLabels", {}).items() <= labels.items()


def labels_of(pod: Object) -> dict[str, str]:
    return dict(pod["metadata"]["labels"])
