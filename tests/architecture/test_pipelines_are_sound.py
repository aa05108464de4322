"""Rules that every compiled pipeline keeps, each proven able to fail."""

from typing import Any

import pytest
import yaml
from google.protobuf import json_format
from kfp import compiler, dsl
from kfp.pipeline_spec.pipeline_spec_pb2 import PipelineSpec

from pipelines.catalogue import PIPELINES, Pipeline
from pipelines.compiling import compile_pipeline

MOST_PARAMETERS = 10


def find_outer_parameters_in_loops(document: dict[str, Any]) -> list[str]:
    """Outputs of tasks outside a loop that its body reads: kfp's local runner hands over the loop item instead."""
    dags = {name: c["dag"] for name, c in document["components"].items() if "dag" in c} | {
        "root": document["root"]["dag"]
    }
    found = []
    for dag in dags.values():
        for name, task in dag["tasks"].items():
            if "parameterIterator" not in task:
                continue
            inputs = task.get("inputs", {}).get("parameters", {})
            items = task["parameterIterator"]["items"].get("inputParameter")
            found += [
                f"{name}.{key}" for key, value in inputs.items() if "taskOutputParameter" in value and key != items
            ]
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


def test_a_package_has_no_field_that_kubeflow_does_not_know(pipeline):
    json_format.ParseDict(read_compiled(pipeline.package), PipelineSpec())


def test_no_loop_reads_an_output_parameter_of_a_task_outside(pipeline):
    assert find_outer_parameters_in_loops(read_compiled(pipeline.package)) == []


def test_the_run_form_has_few_parameters_the_revision_among_them(pipeline):
    inputs = read_compiled(pipeline.package)["root"]["inputDefinitions"]["parameters"]
    assert len(inputs) <= MOST_PARAMETERS
    assert "revision" in inputs
    assert [name for name, value in inputs.items() if "defaultValue" not in value] == ["study"]


def test_the_description_explains_every_parameter(pipeline):
    document = read_compiled(pipeline.package)
    for name in document["root"]["inputDefinitions"]["parameters"]:
        assert f"- {name}: " in document["pipelineInfo"]["description"]


def test_every_task_has_a_title_and_is_not_cached_by_name(pipeline):
    document = read_compiled(pipeline.package)
    for dag in list_dags(document):
        for name, task in dag["tasks"].items():
            assert task["taskInfo"]["name"] != name, f"{name} has no display name"
            assert not task.get("cachingOptions", {}).get("enableCache"), f"{name} is cached"


def test_training_asks_for_a_gpu_and_is_retried(pipeline):
    document = read_compiled(pipeline.package)
    executors = document["deploymentSpec"]["executors"]
    training = executors["exec-train-networks"]["container"]["resources"]
    assert training["accelerator"]["resourceType"] == "nvidia.com/gpu"
    assert training["accelerator"]["resourceCount"] == "1"
    loop = document["components"]["comp-for-loop-1"]["dag"]["tasks"]["train-networks"]
    assert loop["retryPolicy"]["maxRetryCount"] == 3


def test_an_outer_parameter_in_a_loop_is_found(tmp_path):
    @dsl.component
    def make() -> str:
        return "x"

    @dsl.component
    def use(item: str, outer: str):
        print(item, outer)

    @dsl.pipeline(name="trap")
    def trap():
        made = make()
        with dsl.ParallelFor(["a", "b"]) as item:
            use(item=item, outer=made.output)

    compiler.Compiler().compile(trap, str(tmp_path / "trap.yaml"))
    assert len(find_outer_parameters_in_loops(read_compiled(tmp_path / "trap.yaml"))) == 1


def test_an_unknown_field_is_found():
    with pytest.raises(json_format.ParseError):
        json_format.ParseDict({"pipelineInfo": {"name": "x"}, "unknown": 1}, PipelineSpec())
