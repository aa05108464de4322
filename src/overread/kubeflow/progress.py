"""What a person sees of a local run: a line per task, the steps' own progress, and the real cause of a failure."""

import io
import re
import time
from pathlib import Path
from typing import TextIO

from overread.runs.progress import MARK

_COLOUR = re.compile(r"\x1b\[\d+m")
_STARTED = re.compile(r"Executing task '([^']+)'")
_ENDED = re.compile(r"Task '([^']+)' finished with status (\w+)")
_TIMED_LINE = re.compile(r"^\d\d:\d\d:\d\d\.\d+ - [A-Z]+ - ")


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
