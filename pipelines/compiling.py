"""Compiling pipelines to the packages that the Kubeflow UI takes."""

import contextlib
import importlib
import io
from pathlib import Path

from kfp import compiler
from kfp.dsl.graph_component import GraphComponent

from overread.kubeflow.catalogue import Pipeline


def build_graph(pipeline: Pipeline) -> GraphComponent:
    """The graph of a pipeline: that of `a-b` is the function `a_b` of `pipelines.a_b`."""
    graph: GraphComponent = getattr(importlib.import_module(f"pipelines.{pipeline.module}"), pipeline.module)
    return graph


def compile_pipeline(pipeline: Pipeline, path: Path) -> None:
    """Write the package of a pipeline."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.redirect_stdout(io.StringIO()):
        compiler.Compiler().compile(build_graph(pipeline), str(path))
