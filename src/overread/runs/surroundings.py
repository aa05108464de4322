"""What a step takes from its surroundings: where results are kept, and how much it may run side by side."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from overread.adapters.environment import read_environment

_JOBS_PER_TASK = 4


def locate_store() -> str:
    """Address of the result store; without OVERREAD_STORE a folder of this machine, which the next one lacks."""
    return read_environment().store_url or str(Path(tempfile.gettempdir()) / "overread-store")


def limit_processes(wanted: int) -> int:
    """How many of `wanted` processes may run side by side; OVERREAD_PROCESSES is the upper bound where it is set."""
    return min(wanted, read_environment().processes or wanted)


def count_jobs_per_task() -> int:
    """Trainings that share a task and its GPU, 0 for all in one, where the run form does not ask for it."""
    found = read_environment().jobs_per_task
    return _JOBS_PER_TASK if found is None else found


def batch_jobs(names: Sequence[str]) -> list[str]:
    """Names of the jobs of each task, joined by commas."""
    size = count_jobs_per_task() or len(names)
    return [",".join(names[start : start + size]) for start in range(0, len(names), size)]
