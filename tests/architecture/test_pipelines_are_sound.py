"""Rules that every compiled pipeline keeps, each proven able to fail."""

import inspect
import re
from typing import Any

import pytest
import yaml
from google.protobuf import json_format
from kfp import compiler, dsl
from kfp.pipeline_spec.pipeline_spec_pb2 import PipelineSpec

from overread.kubeflow.catalogue import PIPELINES, Pipeline
from pipelines.compiling import build_graph, compile_pipeline

MOST_PARAMETERS = 10
UNNAMED = "condition-branches-"
"""What joins the two branches of a condition; kfp lets nobody name it."""

_QUOTED = re.compile(r"'[^']*'(?=[\])\s]|$)")


def find_loop_traps(document: dict[str, Any]) -> list[str]:
    """What kfp's local runner gets wrong in silence, in loops and conditions.

    - A loop body that reads an output parameter of a task outside the loop gets the loop item instead.
    - Loop items that are whole numbers arrive as floats.
    - A condition on a text with a quote in it is false.
    """
    found = []
    for dag in list_dags(document):
        for name, task in dag["tasks"].items():
            if "parameterIterator" in task:
                found += _find_traps_of_loop(document, name, task)
            if "'" in _QUOTED.sub("", task.get("triggerPolicy", {}).get("condition", "")):
                found.append(f"{name}: condition with a quote")
    return found


def _find_traps_of_loop(document: dict[str, Any], name: str, task: dict[str, Any]) -> list[str]:
    items = task["parameterIterator"]["items"].get("inputParameter")
    inputs = task.get("inputs", {}).get("parameters", {})
    found = [f"{name}: {key}" for key, value in inputs.items() if "taskOutputParameter" in value and key != items]
    types = document["components"][task["componentRef"]["name"]]["inputDefinitions"]["parameters"]
    if types[task["parameterIterator"]["itemInput"]]["parameterType"] != "STRING":
        found.append(f"{name}: items that are no text")
    return found


def list_dags(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [c["dag"] for c in document["components"].values() if "dag" in c] + [document["root"]["dag"]]


def read_compiled(path) -> dict[str, Any]:
    return next(yaml.safe_load_all(path.read_text(encoding="utf-8")))


@pytest.fixture(params=PIPELINES.values(), ids=PIPELINES.keys())
def pipeline(request: pytest.FixtureRequest) -> Pipeline:
    return request.param


def test_the_committed_package_is_what_the_code_compiles_to(pipeline, tmp_path):
    compile_pipeline(pipeline, tmp_path / "package.yaml")
    assert pipeline.package.read_text() == (tmp_path / "package.yaml").read_text(), "run `make compile`"


def test_the_catalogue_reads_from_a_package_what_its_function_says(pipeline):
    function = build_graph(pipeline).pipeline_func
    expected = inspect.signature(function).parameters.values()
    found = pipeline.parameters.values()
    assert [(one.name, one.annotation, one.default) for one in found] == [
        (one.name, one.annotation, one.default) for one in expected
    ]
    assert [type(one.default) for one in found] == [type(one.default) for one in expected]
    assert pipeline.question == build_graph(pipeline).description.strip().splitlines()[0]


def test_a_package_has_no_field_that_kubeflow_does_not_know(pipeline):
    json_format.ParseDict(read_compiled(pipeline.package), PipelineSpec())


def test_no_loop_or_condition_is_one_that_the_local_runner_gets_wrong(pipeline):
    assert find_loop_traps(read_compiled(pipeline.package)) == []


def test_the_run_form_has_few_parameters_the_revision_among_them(pipeline):
    inputs = read_compiled(pipeline.package)["root"]["inputDefinitions"]["parameters"]
    assert len(inputs) <= MOST_PARAMETERS
    assert "revision" in inputs
    assert "study" in inputs
    assert [name for name, value in inputs.items() if "defaultValue" not in value] in ([], ["study"])


def test_the_description_explains_every_parameter(pipeline):
    document = read_compiled(pipeline.package)
    for name in document["root"]["inputDefinitions"]["parameters"]:
        assert f"- {name}: " in document["pipelineInfo"]["description"]


def test_every_task_has_a_title_and_is_not_cached_by_name(pipeline):
    document = read_compiled(pipeline.package)
    for dag in list_dags(document):
        for name, task in dag["tasks"].items():
            is_named = task["taskInfo"]["name"] != name or name.startswith(UNNAMED)
            assert is_named, f"{name} has no display name"
            assert not task.get("cachingOptions", {}).get("enableCache"), f"{name} is cached"


def list_trainings(document: dict[str, Any]) -> list[str]:
    names = [name.removeprefix("exec-") for name in document["deploymentSpec"]["executors"]]
    return [name for name in names if name.startswith("train-")]


def test_training_asks_for_a_gpu_and_is_retried(pipeline):
    document = read_compiled(pipeline.package)
    for task in list_trainings(document):
        training = document["deploymentSpec"]["executors"][f"exec-{task}"]["container"]["resources"]
        assert training["accelerator"]["resourceType"] == "nvidia.com/gpu"
        assert training["accelerator"]["resourceCount"] == "1"
        (trained,) = [dag["tasks"][task] for dag in list_dags(document) if task in dag["tasks"]]
        assert trained["retryPolicy"]["maxRetryCount"] == 3


def test_every_task_in_a_loop_is_one_that_trains(pipeline):
    document = read_compiled(pipeline.package)
    loops = [
        task["componentRef"]["name"]
        for dag in list_dags(document)
        for task in dag["tasks"].values()
        if "parameterIterator" in task
    ]
    looped = [name for loop in loops for name in document["components"][loop]["dag"]["tasks"]]
    assert looped == list_trainings(document)


def test_the_trainings_of_a_package_are_found():
    assert list_trainings(read_compiled(PIPELINES["acquisition-bias"].package)) == ["train-probes"]
    assert list_trainings(read_compiled(PIPELINES["retrain"].package)) == ["train-networks"]


def test_every_trap_of_a_loop_is_found(tmp_path):
    @dsl.component
    def make() -> str:
        return "x"

    @dsl.component
    def use(item: str, outer: str):
        print(item, outer)

    @dsl.component
    def count(item: int):
        print(item)

    @dsl.pipeline(name="traps")
    def traps():
        made = make()
        with dsl.ParallelFor(["a", "b"], name="outer") as item:
            use(item=item, outer=made.output)
        with dsl.ParallelFor([1, 2], name="numbers") as number:
            count(item=number)
        with dsl.If(made.output == "it's", name="quoted"):
            use(item="a", outer="b")

    compiler.Compiler().compile(traps, str(tmp_path / "traps.yaml"))
    assert sorted(found.split(": ")[1] for found in find_loop_traps(read_compiled(tmp_path / "traps.yaml"))) == [
        "condition with a quote",
        "items that are no text",
        "pipelinechannel--make-Output",
    ]


def test_an_unknown_field_is_found():
    with pytest.raises(json_format.ParseError):
        json_format.ParseDict({"pipelineInfo": {"name": "x"}, "unknown": 1}, PipelineSpec())
