"""What a person sees of a local run."""

import io

from overread.runs.progress import MARK
from pipelines.progress import ProgressStream, find_own_error, find_traceback


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


def test_the_message_of_our_own_error_is_found_with_all_its_problems(tmp_path):
    log = tmp_path / "log"
    log.write_text(
        "    Traceback (most recent call last):\n      File x\n"
        "    overread.errors.StudyError: 2 problems were found:\n    - first.\n    - second.\n\n10:00 - ERROR - Task\n"
    )
    assert find_own_error(log) == "2 problems were found:\n- first.\n- second."


def test_other_failures_show_their_traceback(tmp_path):
    log = tmp_path / "log"
    log.write_text("noise\n    Traceback (most recent call last):\n      File x\n    ValueError: 3\n")
    assert find_own_error(log) is None
    assert find_traceback(log).splitlines()[-1].strip() == "ValueError: 3"
    assert "noise" not in find_traceback(log)
