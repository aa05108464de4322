"""Runs on Kubeflow Pipelines: their arguments, their start, and their tasks until they end."""

import inspect
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from overread.errors import SettingsError, TaskFailureError
from overread.kubeflow.catalogue import PackageFile, Pipeline, parse_arguments
from overread.kubeflow.client import KubeflowClient
from overread.kubeflow.connection import KubeflowError

_SUCCESSES = ("SUCCEEDED", "SKIPPED")
_ENDS = (*_SUCCESSES, "FAILED", "CANCELED")
_MOST_MISSES = 10


@dataclass(frozen=True)
class SubmittedRun:
    """A run that was started.

    Attributes:
        run_id: its ID.
        page: its address in the user interface.
    """

    run_id: str
    page: str


def read_run_arguments(pipeline: Pipeline, assignments: Sequence[str]) -> dict[str, Any]:
    """Turn `name=value` texts into the arguments of a run.

    Raises:
        SettingsError: an assignment breaks a rule, or a parameter without a default has no value.
    """
    arguments = parse_arguments(pipeline, assignments)
    missing = [
        name
        for name, parameter in pipeline.parameters.items()
        if parameter.default is inspect.Parameter.empty and name not in arguments
    ]
    if missing:
        given = " ".join(f"{name}=…" for name in missing)
        raise SettingsError(f"{pipeline.name} must have a value for {', '.join(missing)}", hint=f"add --set {given}")
    return arguments


def submit_run(
    client: KubeflowClient, pipeline: Pipeline, package: PackageFile, arguments: Mapping[str, Any], *, experiment: str
) -> SubmittedRun:
    """Start a run of a package.

    Args:
        client: the server.
        pipeline: what is run.
        package: its compiled form.
        arguments: parameters that differ from their defaults.
        experiment: name of the experiment that the run belongs to; it is made where there is none.

    Raises:
        KubeflowError: the server cannot be reached or refuses.
    """
    run_id = client.start_run(
        f"{pipeline.name} {datetime.now():%Y-%m-%d %H:%M:%S}",
        experiment_id=client.ensure_experiment(experiment),
        pipeline_spec=package.pipeline_spec,
        arguments=arguments,
    )
    return SubmittedRun(run_id, client.name_run_page(run_id))


class RunProgress:
    """Compares each look at a run with the one before.

    Kubeflow lists a task's driver, its executor and the loops around it beside the task; only tasks with a title show.

    Args:
        titles: titles of the tasks by their names in the graph.
    """

    def __init__(self, titles: Mapping[str, str]) -> None:
        self._titles = {**{title: title for title in titles.values()}, **titles}
        self._labels: dict[str, str] = {}
        self._states: dict[str, str] = {}
        self._counts: Counter[str] = Counter()

    def describe_changes(self, run: Any) -> list[str]:
        """A line for the run and for each task whose state is another than at the last look; an end comes last."""
        head = [f"run: {run.state.lower()}"] if run.state and self._note("", run.state) else []
        titled = (task for task in list_tasks(run) if task.display_name in self._titles and task.state)
        changed = [task for task in titled if self._note(task.task_id, task.state)]
        lines = [f"  {self._label(task)}: {task.state.lower()}{_explain(task)}" for task in changed]
        return [*lines, *head] if run.state in _ENDS else [*head, *lines]

    def name_failed_tasks(self, run: Any) -> list[str]:
        """The tasks that failed; where none has a title, whatever Kubeflow says has failed."""
        failed = [task for task in list_tasks(run) if task.state == "FAILED"]
        titled = [f"{self._label(task)}{_explain(task)}" for task in failed if task.display_name in self._titles]
        return titled or [f"{task.display_name}{_explain(task)}" for task in failed]

    def _note(self, task_id: str, state: str) -> bool:
        changed = self._states.get(task_id) != state
        self._states[task_id] = state
        return changed

    def _label(self, task: Any) -> str:
        """Title of a task; the second and further ones of a loop are numbered in the order in which they came up."""
        if task.task_id not in self._labels:
            title = self._titles[task.display_name]
            self._counts[title] += 1
            number = self._counts[title]
            self._labels[task.task_id] = title if number == 1 else f"{title} ({number})"
        return self._labels[task.task_id]


def follow_run(
    client: KubeflowClient,
    run_id: str,
    progress: RunProgress,
    *,
    interval_seconds: float = 5.0,
    show: Callable[[str], None] = print,
) -> None:
    """Show a run until it ends.

    Args:
        client: the server.
        run_id: the run.
        progress: says what is shown of it.
        interval_seconds: time between two looks.
        show: gets each line.

    Raises:
        TaskFailureError: the run failed or was cancelled; names the tasks that failed.
        KubeflowError: the server refuses, or does not answer ten times on end.
    """
    misses = 0
    while True:
        try:
            run = client.read_run(run_id)
        except KubeflowError as error:
            misses += 1
            if not error.transient or misses >= _MOST_MISSES:
                raise
            show(f"  asking again: {error}")
        else:
            misses = 0
            for line in progress.describe_changes(run):
                show(line)
            if run.state in _ENDS:
                return _judge(run, progress)
        time.sleep(interval_seconds)


def list_tasks(run: Any) -> list[Any]:
    """The tasks of a run in the order in which they were made."""
    tasks = (run.run_details and run.run_details.task_details) or []
    return sorted(tasks, key=lambda task: (str(task.create_time or ""), str(task.task_id)))


def _judge(run: Any, progress: RunProgress) -> None:
    if run.state in _SUCCESSES:
        return
    failed = progress.name_failed_tasks(run) or ([run.error.message] if run.error and run.error.message else [])
    raise TaskFailureError("\n- ".join([f"the run {run.display_name!r} ended as {run.state.lower()}", *failed]))


def _explain(task: Any) -> str:
    return f" ({task.error.message})" if task.error and task.error.message else ""
