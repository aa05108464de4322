"""A compiled pipeline in a file, as Kubeflow takes it."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from overread.errors import SettingsError


@dataclass(frozen=True)
class PackageFile:
    """A compiled pipeline.

    Attributes:
        path: the file.
        content: what it holds.
    """

    path: Path
    content: bytes

    @property
    def digest(self) -> str:
        """SHA-256 of the content, hexadecimal."""
        return hashlib.sha256(self.content).hexdigest()

    @property
    def pipeline_spec(self) -> Mapping[str, Any]:
        """What a run is made of: the graph, with the settings of the platform where there are any."""
        spec, *platforms = _parse(self.content)
        return {"pipeline_spec": spec, "platform_spec": platforms[0]} if platforms else dict(spec)

    @property
    def graph(self) -> Mapping[str, Any]:
        """The tasks and what they hand on, without the settings of the platform."""
        graph: Mapping[str, Any] = self.pipeline_spec.get("pipeline_spec", self.pipeline_spec)
        return graph

    @property
    def task_titles(self) -> dict[str, str]:
        """Titles of the tasks that run a container, by their names in the graph; loops hold no work of their own."""
        components = self.graph["components"]
        graphs = [self.graph["root"]["dag"], *(part["dag"] for part in components.values() if "dag" in part)]
        return {
            name: title
            for graph in graphs
            for name, title, component in _list_tasks(graph)
            if "dag" not in components[component]
        }


def read_package(path: Path) -> PackageFile:
    """Read the package of a pipeline.

    Raises:
        SettingsError: there is none.
    """
    try:
        return PackageFile(path, path.read_bytes())
    except FileNotFoundError as error:
        raise SettingsError(f"{path.stem} must be compiled", found=f"no {path}", hint="run make compile") from error


def _list_tasks(graph: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    for name, task in graph["tasks"].items():
        yield name, task["taskInfo"]["name"], task["componentRef"]["name"]


@cache
def _parse(content: bytes) -> tuple[Any, ...]:
    return tuple(yaml.load_all(content, yaml.CSafeLoader))
