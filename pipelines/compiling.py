"""Compiling pipelines to the packages that the Kubeflow UI takes."""

import contextlib
import importlib
import io
from pathlib import Path

from kfp import compiler

from overread.kubeflow.catalogue import Pipeline


def compile_pipeline(pipeline: Pipeline, path: Path) -> None:
    """Write the package of a pipeline, whose graph `a-b` is the function `a_b` of `pipelines.a_b`."""
    graph = getattr(importlib.import_module(f"pipelines.{pipeline.module}"), pipeline.module)
    path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.redirect_stdout(io.StringIO()):
        compiler.Compiler().compile(graph, str(path))
