"""The pipelines by name, and their parameters."""

import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from kfp.dsl.graph_component import GraphComponent

from overread.errors import SettingsError
from pipelines.label_noise import label_noise
from pipelines.label_noise_summary import summarise_label_noise_run
from pipelines.rater_bias import rater_bias
from pipelines.rater_bias_summary import summarise_rater_bias
from pipelines.relabel import relabel
from pipelines.relabel_summary import summarise_relabel

PACKAGES = Path(__file__).parent / "packages"


@dataclass(frozen=True)
class Pipeline:
    """A pipeline as users know it.

    Attributes:
        name: for example `rater-bias`.
        graph: the kfp pipeline.
        summarise: lines that sum up the outputs in a folder.
    """

    name: str
    graph: GraphComponent
    summarise: Callable[[Path], list[str]]

    @cached_property
    def parameters(self) -> Mapping[str, inspect.Parameter]:
        """Parameters of the run form by name."""
        return inspect.signature(self.graph.pipeline_func).parameters

    @property
    def question(self) -> str:
        """First line of the description."""
        return str(self.graph.description).strip().splitlines()[0]

    @property
    def package(self) -> Path:
        """The compiled pipeline, ready to be uploaded in the Kubeflow UI."""
        return PACKAGES / f"{self.name}.yaml"


PIPELINES = {
    pipeline.name: pipeline
    for pipeline in (
        Pipeline("rater-bias", rater_bias, summarise_rater_bias),
        Pipeline("label-noise", label_noise, summarise_label_noise_run),
        Pipeline("relabel", relabel, summarise_relabel),
    )
}


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
