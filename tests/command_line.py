"""`overread …` in the process of a test, for a process of its own takes seconds to load its libraries."""

import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import pytest

from overread.cli import main


@dataclass(frozen=True)
class Done:
    """What a command printed, and its exit code."""

    returncode: int
    stdout: str
    stderr: str


def run_overread(*arguments: str | Path) -> Done:
    """Run a command as its console script does."""
    with (
        pytest.MonkeyPatch.context() as process,
        redirect_stdout(StringIO()) as stdout,
        redirect_stderr(StringIO()) as stderr,
    ):
        process.setattr(sys, "argv", ["overread", *map(str, arguments)])
        returncode = _run_main()
    return Done(returncode, stdout.getvalue(), stderr.getvalue())


def _run_main() -> int:
    try:
        main()
    except SystemExit as end:
        return int(end.code or 0)
    return 0
