"""What the tasks of a pipeline ask of the cluster, from `settings.yaml`."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml
from kfp import dsl


@cache
def read_resources() -> dict[str, Any]:
    """Read `settings.yaml`."""
    return dict(yaml.safe_load((Path(__file__).parent / "settings.yaml").read_text(encoding="utf-8")))


def read_parallelism() -> int:
    """How many tasks of a loop may run at the same time."""
    return int(read_resources()["parallelism"])


def place_on_cpu(task: dsl.PipelineTask, title: str) -> dsl.PipelineTask:
    """Name a task and give it the resources of a task without a GPU."""
    return _place(task, title, read_resources()["cpu_task"])


def place_on_gpu(task: dsl.PipelineTask, title: str) -> dsl.PipelineTask:
    """Name a task and give it the resources of a task that trains or predicts, one GPU among them."""
    resources = read_resources()["gpu_task"]
    task.set_accelerator_type(resources["accelerator"]).set_accelerator_limit(resources["accelerator_count"])
    return _place(task, title, resources)


def _place(task: dsl.PipelineTask, title: str, resources: dict[str, Any]) -> dsl.PipelineTask:
    retry = resources["retry"]
    task.set_display_name(title)
    # The steps reuse their own results by content; Kubeflow's cache looks at names only and can return old data.
    task.set_caching_options(False)
    task.set_cpu_request(resources["cpu"]).set_memory_request(resources["memory"])
    task.set_memory_limit(resources["memory_limit"])
    task.set_retry(
        num_retries=retry["count"], backoff_duration=retry["backoff"], backoff_factor=2.0, backoff_max_duration="600s"
    )
    return task
