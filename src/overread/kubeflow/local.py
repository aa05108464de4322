"""Running a pipeline on this machine with kfp's own runner: no server, no container, no account."""

import contextlib
import io
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from filelock import FileLock, Timeout

from overread.adapters.versioning import resolve_revision
from overread.errors import SettingsError, TaskFailureError
from overread.kubeflow.catalogue import PACKAGES, Pipeline
from overread.kubeflow.code_origin import find_checkout, read_commit
from overread.kubeflow.task_processes import fork_tasks
from overread.runs.progress import MARK

if TYPE_CHECKING:
    from kfp.pipeline_spec.pipeline_spec_pb2 import PipelineSpec

_COLOUR = re.compile(r"\x1b\[\d+m")
_STARTED = re.compile(r"Executing task '([^']+)'")
_ENDED = re.compile(r"Task '([^']+)' finished with status (\w+)")
_TIMED_LINE = re.compile(r"^\d\d:\d\d:\d\d\.\d+ - [A-Z]+ - ")
WORKSPACE = ".overread"


class ProgressStream(io.TextIOBase):
    """Stands in for standard output while kfp runs a pipeline: keeps all of it in a log, shows what matters.

    Args:
        terminal: where progress is shown.
        log: file that gets every line.
    """

    def __init__(self, terminal: TextIO, log: TextIO) -> None:
        self._terminal = terminal
        self._log = log
        self._partial = ""
        self._started: dict[str, float] = {}
        self._durations: dict[str, float] = {}

    @property
    def durations_seconds(self) -> dict[str, float]:
        """Seconds of each finished task."""
        return dict(self._durations)

    def writable(self) -> bool:
        """It can be written to."""
        return True

    def write(self, text: str) -> int:
        """Take text as it comes; whole lines are looked at."""
        self._log.write(text)
        self._log.flush()
        *lines, self._partial = (self._partial + text).split("\n")
        for line in lines:
            self._look_at(_COLOUR.sub("", line))
        return len(text)

    def _look_at(self, line: str) -> None:
        stripped = line.strip()
        if stripped.startswith(MARK):
            self._show(f"    {stripped.removeprefix(MARK)}")
        elif started := _STARTED.search(line):
            self._started[started[1]] = time.monotonic()
            self._show(f"  {started[1]} …")
        elif ended := _ENDED.search(line):
            self._end(ended[1], ended[2])

    def _end(self, task: str, status: str) -> None:
        seconds = time.monotonic() - self._started.get(task, time.monotonic())
        self._durations[task] = seconds
        self._show(f"  {task} {'done' if status == 'SUCCESS' else 'FAILED'} after {seconds:.1f} s")

    def _show(self, line: str) -> None:
        self._terminal.write(line + "\n")
        self._terminal.flush()


def find_traceback(log: Path) -> str:
    """The last traceback that a run's log holds, else its last lines."""
    lines = [_COLOUR.sub("", line).rstrip() for line in log.read_text(encoding="utf-8").splitlines()]
    starts = [index for index, line in enumerate(lines) if line.strip().startswith("Traceback")]
    found = lines[starts[-1] :] if starts else lines[-30:]
    return "\n".join(line for line in found if line.strip() and not _TIMED_LINE.match(line))


@contextmanager
def open_log(folder: Path, name: str) -> Iterator[tuple[Path, TextIO]]:
    """Begin the log `<name>.log`, or `<name>-2.log` and so on while other runs write theirs; gives path and file."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in count(1):
        path = folder / (f"{name}.log" if number == 1 else f"{name}-{number}.log")
        try:
            with FileLock(path.with_name(f".{path.name}.lock"), timeout=0), path.open("w", encoding="utf-8") as file:
                yield path, file
                return
        except Timeout:
            continue


def keep_outputs(outputs: Mapping[str, Any], folder: Path) -> None:
    """Put the outputs of a run in place of those of the run before.

    Args:
        outputs: kfp's artifacts by name.
        folder: gets a file or a folder of each name; the report is `report.html`.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", suffix=".partial", dir=folder.parent) as scratch:
        partial = Path(scratch) / folder.name
        partial.mkdir()
        for name, artifact in outputs.items():
            source = Path(artifact.path)
            if source.is_dir():
                shutil.copytree(source, partial / name)
            else:
                shutil.copyfile(source, partial / (f"{name}.html" if name == "report" else name))
        with FileLock(folder.with_name(f".{folder.name}.lock")):
            shutil.rmtree(folder, ignore_errors=True)
            partial.rename(folder)


@dataclass(frozen=True)
class LocalRun:
    """A finished local run.

    Attributes:
        folder: gets the pipeline's outputs by name; the report is `report.html`.
        log: everything that the tasks printed.
        durations_seconds: per task.
    """

    folder: Path
    log: Path
    durations_seconds: Mapping[str, float]


def run_locally(pipeline: Pipeline, study: Path | None, arguments: Mapping[str, Any], *, workspace: Path) -> LocalRun:
    """Run a pipeline on data of this machine.

    Args:
        pipeline: which one.
        study: folder of the study; None where the arguments name other data.
        arguments: parameters that differ from their defaults.
        workspace: keeps results that can be reused, MLflow's database and the outputs of the latest run.

    Raises:
        SettingsError: the pipeline needs a study, or it is given as an argument.
        OverreadError: what else the user can mend, as the failing task said it.
        TaskFailureError: a task failed otherwise.
    """
    values = {**arguments, **_choose_study(pipeline, study, arguments)}
    folder = workspace / "latest" / pipeline.name
    with (
        open_log(workspace / "logs", pipeline.name) as (log, file),
        tempfile.TemporaryDirectory(prefix="run-", dir=workspace) as scratch,
    ):
        stream = ProgressStream(sys.stdout, file)
        with _environment(workspace), contextlib.redirect_stdout(stream), contextlib.redirect_stderr(file):
            outputs = _call(pipeline, values, Path(scratch), log)
        keep_outputs(outputs, folder)
    return LocalRun(folder, log, stream.durations_seconds)


def _choose_study(pipeline: Pipeline, study: Path | None, arguments: Mapping[str, Any]) -> dict[str, str]:
    """The arguments that name the study; none without one."""
    if "study" in arguments:
        raise SettingsError("the study of a local run must be its second argument", found="--set study=…")
    if study is not None:
        revision = resolve_revision(str(study), str(arguments.get("revision", "")))
        return {"study": str(study.resolve()), "revision": revision}
    if pipeline.needs_study:
        raise SettingsError(f"{pipeline.name} must have a study", hint="name its folder after the pipeline")
    return {}


def _call(pipeline: Pipeline, values: Mapping[str, Any], root: Path, log: Path) -> Mapping[str, Any]:
    from google.protobuf import json_format
    from kfp import local
    from kfp.local.pipeline_orchestrator import run_local_pipeline
    from kfp.pipeline_spec.pipeline_spec_pb2 import PipelineSpec

    graph = json_format.ParseDict(pipeline.compiled.graph, PipelineSpec())
    _drop_retries(graph)
    local.init(local.SubprocessRunner(use_venv=False), pipeline_root=str(root), raise_on_error=True)
    with fork_tasks() as tasks:
        try:
            outputs: Mapping[str, Any] = run_local_pipeline(graph, dict(values))
        except RuntimeError as error:
            if tasks.error is not None:
                raise tasks.error from error
            raise TaskFailureError(f"{error}\n{find_traceback(log)}") from error
    return outputs


def _drop_retries(graph: "PipelineSpec") -> None:
    """On one machine the same failure would only come again, after the waiting that suits a cluster."""
    for part in (graph.root, *graph.components.values()):
        for task in part.dag.tasks.values():
            task.ClearField("retry_policy")


@contextlib.contextmanager
def _environment(workspace: Path) -> Iterator[None]:
    """Give tasks a local MLflow, a local result store and one process per core, where nothing else is set."""
    before = dict(os.environ)
    defaults = {
        "MLFLOW_TRACKING_URI": f"sqlite:///{workspace.resolve() / 'mlflow.db'}",
        "OVERREAD_STORE": str(workspace.resolve() / "store"),
        "OVERREAD_PROCESSES": str(os.cpu_count() or 1),
        "OVERREAD_JOBS_PER_TASK": "0",
        "OVERREAD_CODE_COMMIT": _find_code_commit(),
        "OMP_NUM_THREADS": "1",
    }
    os.environ.update({name: value for name, value in defaults.items() if value and name not in os.environ})
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(Path.cwd()), before.get("PYTHONPATH", "")]))
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _find_code_commit() -> str:
    """Commit of the checkout that this code lies in; empty where it was installed."""
    checkout = find_checkout(PACKAGES)
    return read_commit(checkout) if checkout is not None else ""
