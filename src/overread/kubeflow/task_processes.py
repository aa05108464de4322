"""The tasks of a local run: each is a fork of one process that holds what they all import, not an interpreter anew."""

import contextlib
import multiprocessing
import os
import pickle
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path

from overread.errors import OverreadError

_SHARED_IMPORTS = ("overread.kubeflow.task_imports", "overread.kubeflow.task_processes")
_COMPONENT = "ephemeral_component.py"
_ERROR = "error.pickle"


class TaskProcesses:
    """Takes the place of the function by which kfp's local runner starts a command for each task.

    A task's process is its own: what it changes, its threads and its death touch no other.

    Attributes:
        error: by what the first task failed whose user can mend it; None where there is none.
    """

    def __init__(self) -> None:
        self.error: OverreadError | None = None
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(list(_SHARED_IMPORTS))
        # Starting a process looks whether others have ended, and an end can be learnt by one thread only.
        self._lock = threading.Lock()

    def run(self, full_command: Sequence[str], env_vars: Mapping[str, str] | None = None) -> int:
        """Run the task of a lightweight component, print its output as it comes and give its exit code.

        Args:
            full_command: of a shell; ends with the component's source and the arguments of kfp's executor.
            env_vars: of this task alone.
        """
        source = full_command.index("--executor_input") - 1
        with tempfile.TemporaryDirectory(prefix="overread-task-") as scratch:
            folder = Path(scratch)
            (folder / _COMPONENT).write_text(full_command[source], encoding="utf-8")
            exit_code = self._run_in(folder, full_command[source + 1 :], {**os.environ, **(env_vars or {})})
            if self.error is None and (folder / _ERROR).exists():
                self.error = pickle.loads((folder / _ERROR).read_bytes())
        return exit_code

    def _run_in(self, folder: Path, arguments: Sequence[str], environment: Mapping[str, str]) -> int:
        reader, writer = self._context.Pipe(duplex=False)
        process = self._context.Process(target=_execute, args=(folder, arguments, environment, writer))
        try:
            with self._lock, writer:
                process.start()
            with os.fdopen(os.dup(reader.fileno()), encoding="utf-8", errors="replace") as output:
                for line in output:
                    print(line, end="")
            print("\n")
        except BaseException:
            process.terminate()
            raise
        finally:
            reader.close()
            with self._lock:
                process.join()
        return process.exitcode or 0


@contextlib.contextmanager
def fork_tasks() -> Iterator[TaskProcesses]:
    """Have kfp's `SubprocessRunner` fork its tasks."""
    from kfp.local import subprocess_task_handler

    tasks, before = TaskProcesses(), subprocess_task_handler.run_local_subprocess
    subprocess_task_handler.run_local_subprocess = tasks.run
    try:
        yield tasks
    finally:
        subprocess_task_handler.run_local_subprocess = before


def _execute(folder: Path, arguments: Sequence[str], environment: Mapping[str, str], output: Connection) -> None:
    """What the command of a lightweight component does, in this process."""
    os.environ.clear()
    os.environ.update(environment)
    for descriptor in (1, 2):
        os.dup2(output.fileno(), descriptor)
    output.close()
    from kfp.dsl.executor_main import executor_main

    sys.argv = ["executor_main", "--component_module_path", str(folder / _COMPONENT), *arguments]
    try:
        executor_main()
    except OverreadError as error:
        (folder / _ERROR).write_bytes(pickle.dumps(error))
        raise
