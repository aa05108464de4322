"""CPU seconds that processes take to start, with the bytecode that is on disk and without any.

    python -m benchmarks.start [CHECKOUT] [--rounds N]

Everything runs with the environment of a checkout, this one unless another is named, so that two states of the code
can be compared. A time is the least of the rounds: user and system time of a command and of what outlives it, such as a
server of workers. "Without" is what a machine pays whose installer compiled nothing and that writes no bytecode.
"""

import argparse
import ctypes
import os
import resource
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

ROUNDS = 3
_PR_SET_CHILD_SUBREAPER = 36

_PREPARE = """
import sys
from pathlib import Path
from overread.runs import plan_trainings
from tests.studies import make_preset, write_squares

root = Path(sys.argv[1])
write_squares(root / "study")
preset = make_preset(2, epochs=1)
training = preset.training.model_copy(update={"steps_per_epoch": 1})
preset.model_copy(update={"training": training}).write_yaml(root / "tiny.yaml")
settings = plan_trainings.PlanSettings(pipeline="rater-bias", preset=str(root / "tiny.yaml"), folds=3)
plan = plan_trainings.run(
    root / "study", settings, study_uri="", revision="abc", plan_file=root / "plan.json", store=str(root / "store")
)
print(*(job.name for job in plan.jobs))
"""

_TRAIN = """
import sys
from pathlib import Path
from overread.runs import train_networks

if __name__ == "__main__":
    root, jobs = Path(sys.argv[1]), sys.argv[2:]
    train_networks.run(
        root / "study",
        root / "plan.json",
        jobs,
        output=root / "networks",
        store=str(root / "store"),
        processes=len(jobs),
    )
"""


@dataclass(frozen=True)
class Checkout:
    """A checkout with its environment in `.venv`."""

    folder: Path

    def run(self, command: Sequence[str], environment: Mapping[str, str]) -> str:
        """What a program of the environment prints."""
        done = subprocess.run(
            [str(self.folder / ".venv" / "bin" / command[0]), *command[1:]],
            cwd=self.folder,
            env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1", **environment},
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout

    def measure(self, command: Sequence[str], environment: Mapping[str, str]) -> float:
        """CPU seconds of a command and all that it starts."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.run(command, environment)
        _reap_orphans()
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@dataclass(frozen=True)
class Trainings:
    """A study and a plan of trainings of one step, and MLflow's SQLite file, as they are before any training."""

    folder: Path
    jobs: tuple[str, ...]

    @classmethod
    def prepare(cls, checkout: Checkout, folder: Path) -> "Trainings":
        """Make them in a folder."""
        printed = checkout.run(["python", "-c", _PREPARE, str(folder)], _name_database(folder))
        (folder / "train.py").write_text(_TRAIN, encoding="utf-8")
        return cls(folder, tuple(printed.splitlines()[-1].split()))

    def measure(self, checkout: Checkout, count: int, environment: Mapping[str, str]) -> float:
        """CPU seconds of so many trainings side by side."""
        with tempfile.TemporaryDirectory() as scratch:
            root = shutil.copytree(self.folder, Path(scratch) / "trainings")
            command = ["python", str(root / "train.py"), str(root), *self.jobs[:count]]
            return checkout.measure(command, {**environment, **_name_database(root)})


def measure_all(
    checkout: Checkout, trainings: Trainings, environment: Mapping[str, str], rounds: int
) -> dict[str, float]:
    """CPU seconds by what they are spent on."""

    def find_least(measure: Callable[[], float]) -> float:
        return min(measure() for _ in range(rounds))

    alone, two, four = (find_least(partial(trainings.measure, checkout, count, environment)) for count in (1, 2, 4))
    return {
        "`overread --help`": find_least(lambda: checkout.measure(["overread", "--help"], environment)),
        "`overread run --list`": find_least(lambda: checkout.measure(["overread", "run", "--list"], environment)),
        "one training of one step": alone,
        "two side by side": two,
        "each further one": (four - two) / 2,
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Measure the start of processes.")
    parser.add_argument("checkout", nargs="?", type=Path, default=Path(__file__).parents[1])
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    asked = parser.parse_args()
    checkout = Checkout(asked.checkout.resolve())
    _adopt_orphans()
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as empty:
        trainings = Trainings.prepare(checkout, Path(folder))
        compiled = measure_all(checkout, trainings, {}, asked.rounds)
        uncompiled = measure_all(checkout, trainings, {"PYTHONPYCACHEPREFIX": empty}, asked.rounds)
    print("| CPU seconds | with bytecode | without |\n|---|---|---|")
    for name, seconds in compiled.items():
        print(f"| {name} | {seconds:.2f} | {uncompiled[name]:.2f} |")


def _name_database(folder: Path) -> dict[str, str]:
    return {"MLFLOW_TRACKING_URI": f"sqlite:///{folder / 'mlflow.db'}"}


def _adopt_orphans() -> None:
    """Become the parent of processes whose parent ends before them, so that their time can be counted."""
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "orphans cannot be adopted; only Linux can")


def _reap_orphans() -> None:
    while True:
        try:
            os.wait()
        except ChildProcessError:
            return


if __name__ == "__main__":
    main()
