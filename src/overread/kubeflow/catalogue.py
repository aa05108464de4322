"""The pipelines by name, their compiled packages, and their parameters."""

import hashlib
import importlib.util
import inspect
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from overread.errors import SettingsError

PACKAGES = Path(__file__).parent / "packages"
_TYPES: Mapping[str, type] = {"STRING": str, "NUMBER_INTEGER": int, "NUMBER_DOUBLE": float, "BOOLEAN": bool}
_EXPLAINED = re.compile(r"^- (\w+):", re.MULTILINE)
NAMES = ("rater-bias", "label-noise", "relabel", "acquisition-bias", "crowd-disagreement", "retrain")


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


@dataclass(frozen=True)
class Pipeline:
    """A pipeline as users know it, by its compiled package.

    The pipeline `a-b` answers the question of `overread.questions.a_b`.

    Attributes:
        name: for example `rater-bias`.
    """

    name: str

    @property
    def module(self) -> str:
        """Its name as Python writes it."""
        return self.name.replace("-", "_")

    @property
    def package(self) -> Path:
        """The compiled pipeline, ready to be uploaded in the Kubeflow UI."""
        return PACKAGES / f"{self.name}.yaml"

    @property
    def compiled(self) -> PackageFile:
        """What the package holds at the moment."""
        return read_package(self.package)

    @property
    def room(self) -> str:
        """The package that holds all about the question."""
        return f"overread.questions.{self.module}"

    def summarise(self, folder: Path) -> list[str]:
        """Lines that sum up the outputs in a folder."""
        return list(importlib.import_module(f"{self.room}.steps.summary").summarise(folder))

    def describe_presets(self) -> dict[str, str]:
        """What each preset of its own is for, by name; none where it takes the presets of networks."""
        if importlib.util.find_spec(f"{self.room}.presets") is None:
            return {}
        return dict(importlib.import_module(f"{self.room}.presets").SHELF.describe())

    @property
    def parameters(self) -> Mapping[str, inspect.Parameter]:
        """Parameters of the run form by name, in the order in which the description explains them."""
        found = self.compiled.graph["root"]["inputDefinitions"]["parameters"]
        return {name: _read_parameter(name, found[name]) for name in _EXPLAINED.findall(self.description)}

    @property
    def needs_study(self) -> bool:
        """Whether there is nothing but a study that it can run on."""
        return self.parameters["study"].default is inspect.Parameter.empty

    @property
    def description(self) -> str:
        """What it asks, how it answers, and each parameter."""
        return str(self.compiled.graph["pipelineInfo"]["description"])

    @property
    def question(self) -> str:
        """First line of the description."""
        return self.description.strip().splitlines()[0]


PIPELINES = {name: Pipeline(name) for name in NAMES}


def find_pipeline(name: str) -> Pipeline:
    """The pipeline of that name.

    Raises:
        SettingsError: there is none.
    """
    if name not in PIPELINES:
        raise SettingsError("a pipeline must be a known one", found=repr(name), hint=f"known: {', '.join(PIPELINES)}")
    return PIPELINES[name]


def parse_arguments(pipeline: Pipeline, assignments: Sequence[str]) -> dict[str, Any]:
    """Turn `name=value` texts into arguments of a pipeline.

    Raises:
        SettingsError: an assignment has no `=`, names an unknown parameter or has a value of another type.
    """
    arguments: dict[str, Any] = {}
    for assignment in assignments:
        name, separator, text = assignment.partition("=")
        if not separator:
            raise SettingsError("--set must be NAME=VALUE", found=repr(assignment))
        if name not in pipeline.parameters:
            known = ", ".join(pipeline.parameters)
            raise SettingsError(
                f"a parameter of {pipeline.name} must be a known one", found=repr(name), hint=f"known: {known}"
            )
        arguments[name] = _parse_value(name, text, pipeline.parameters[name].annotation)
    return arguments


def _read_parameter(name: str, found: Mapping[str, Any]) -> inspect.Parameter:
    """YAML of a package writes whole numbers and fractions alike."""
    kind = _TYPES[found["parameterType"]]
    default = kind(found["defaultValue"]) if "defaultValue" in found else inspect.Parameter.empty
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)


def _parse_value(name: str, text: str, kind: type) -> Any:
    if kind is str:
        return text
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        value = text
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        raise SettingsError(f"{name} must be of type {kind.__name__}", found=repr(text))
    return value
