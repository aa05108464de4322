"""What a person sees of a local run."""

import io

from overread.kubeflow.local import ProgressStream, find_traceback
from overread.runs.progress import MARK


def test_a_line_per_task_and_the_steps_own_progress_are_shown_and_the_rest_is_only_logged():
    terminal, log = io.StringIO(), io.StringIO()
    stream = ProgressStream(terminal, log)
    stream.write("10:00:00.000 - INFO - Executing task \x1b[96m'train-networks'\x1b[0m\n    some library noise\n    ")
    stream.write(f"{MARK}rater1-fold0: validation Dice 0.812\n")
    stream.write("10:00:05.000 - INFO - Task 'train-networks' finished with status \x1b[92mSUCCESS\x1b[0m\n")
    shown = terminal.getvalue().splitlines()
    assert shown[:2] == ["  train-networks …", "    rater1-fold0: validation Dice 0.812"]
    assert shown[2].startswith("  train-networks done after ")
    assert "some library noise" in log.getvalue()
    assert list(stream.durations_seconds) == ["train-networks"]


def test_the_last_traceback_of_a_log_is_found(tmp_path):
    log = tmp_path / "log"
    log.write_text("noise\n    Traceback (most recent call last):\n      File x\n    ValueError: 3\n")
    assert find_traceback(log).splitlines()[-1].strip() == "ValueError: 3"
    assert "noise" not in find_traceback(log)
