"""Compiling pipelines to the packages that the Kubeflow UI takes."""

import contextlib
import io
from pathlib import Path

from kfp import compiler

from pipelines.catalogue import Pipeline


def compile_pipeline(pipeline: Pipeline, path: Path) -> None:
    """Write the package of a pipeline."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.redirect_stdout(io.StringIO()):
        compiler.Compiler().compile(pipeline.graph, str(path))
