"""Tasks of a local run as forks of one process."""

import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from overread.errors import StudyError
from overread.kubeflow.task_processes import TaskProcesses
from tests.pipelines.conftest import REPOSITORY


def make_command(body: str, folder: Path) -> list[str]:
    """What kfp's local runner asks for: a shell, its script, a component's source, the arguments of the executor."""
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    executor_input = json.dumps({"inputs": {}, "outputs": {"outputFile": str(folder / "executor_output.json")}})
    executor = ["--executor_input", executor_input, "--function_to_execute", "work"]
    return ["sh", "-ec", "script", f"def work() -> str:\n{lines}", *executor]


def test_a_task_leaves_what_it_returns_for_kfp(tmp_path):
    assert TaskProcesses().run(make_command("return 'done'", tmp_path)) == 0
    assert json.loads((tmp_path / "executor_output.json").read_text()) == {"parameterValues": {"Output": "done"}}


def test_what_a_task_and_its_commands_print_is_passed_on(tmp_path, capfd):
    body = "import os, sys\nprint('one')\nprint('two', file=sys.stderr)\nsys.stdout.flush()\nos.system('echo three')"
    assert TaskProcesses().run(make_command(body, tmp_path)) == 0
    found = capfd.readouterr()
    assert {"one", "two", "three"} <= set(found.out.split())
    assert found.err == ""


def test_a_task_sees_the_environment_of_the_run_and_changes_only_its_own(tmp_path, monkeypatch):
    tasks = TaskProcesses()
    body = "import os\nfound = os.environ['OVERREAD_A']\nos.environ['OVERREAD_A'] = 'x'\nreturn found"
    for value in ("first", "second"):
        monkeypatch.setenv("OVERREAD_A", value)
        assert tasks.run(make_command(body, tmp_path)) == 0
        assert f'"{value}"' in (tmp_path / "executor_output.json").read_text()
    assert os.environ["OVERREAD_A"] == "second"


def test_an_error_of_ours_comes_back_as_it_was_raised(tmp_path):
    tasks = TaskProcesses()
    body = "from overread.errors import StudyError\nraise StudyError(['first.', 'second.'])"
    assert tasks.run(make_command(body, tmp_path)) == 1
    assert isinstance(tasks.error, StudyError)
    assert str(tasks.error) == "2 problems were found:\n- first.\n- second."


def test_another_failure_is_told_by_its_traceback(tmp_path, capsys):
    tasks = TaskProcesses()
    assert tasks.run(make_command("raise ValueError('three')", tmp_path)) == 1
    assert tasks.error is None
    shown = capsys.readouterr().out
    assert "raise ValueError('three')" in shown
    assert "ValueError: three\n" in shown


def test_a_task_that_is_killed_has_failed_and_the_next_one_runs(tmp_path):
    tasks = TaskProcesses()
    killed = make_command("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", tmp_path)
    assert tasks.run(killed) == -signal.SIGKILL
    assert tasks.run(make_command("return 'done'", tmp_path)) == 0


def test_tasks_of_a_loop_each_get_their_own_exit_code(tmp_path):
    tasks = TaskProcesses()
    with ThreadPoolExecutor(2) as pool:
        found = pool.map(lambda code: tasks.run(make_command(f"raise SystemExit({code})", tmp_path)), range(20))
        assert list(found) == list(range(20))


@pytest.mark.parametrize("whole_group", [True, False], ids=["terminal", "run-alone"])
def test_an_interrupt_ends_the_run_and_its_task(whole_group, tmp_path):
    command = make_command("import os, time\nprint('task', os.getpid(), flush=True)\ntime.sleep(600)", tmp_path)
    script = f"from overread.kubeflow.task_processes import TaskProcesses\nTaskProcesses().run({command!r})"
    with subprocess.Popen(
        [sys.executable, "-u", "-c", script], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as run:
        task = int(next(line for line in run.stdout if line.startswith("task ")).split()[1])
        (os.killpg if whole_group else os.kill)(run.pid, signal.SIGINT)
        # The process that tasks are forked from shares this pipe, and ends when the run and all tasks have ended.
        run.communicate(timeout=120)
    assert run.returncode == -signal.SIGINT
    with pytest.raises(ProcessLookupError):
        os.kill(task, 0)
