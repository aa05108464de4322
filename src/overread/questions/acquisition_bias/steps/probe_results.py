"""What trained probes leave: a folder per job, with its training, its answers and how its slices were made."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from overread.questions.acquisition_bias.probe_settings import REGIONS, ProbeTraining
from overread.questions.acquisition_bias.results import SCORE_COLUMNS

if TYPE_CHECKING:
    from pandas import DataFrame

    from overread.questions.acquisition_bias.probe_stacks import StackSummary

SCORES_FILE, TRAINING_FILE, STACKS_FILE = "scores.csv", "training.json", "stacks.json"


def write_probe(
    folder: Path, training: ProbeTraining, rows: Sequence[Mapping[str, object]], stacks: "StackSummary"
) -> None:
    """Write one job.

    Args:
        folder: new or empty.
        training: how it went.
        rows: what the probe says of each package of a held-out case, SCORE_COLUMNS and the probabilities.
        stacks: how the slices were made.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / SCORES_FILE).open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    stacks.write(folder / STACKS_FILE)
    training.write(folder / TRAINING_FILE)


def read_training(folder: Path) -> ProbeTraining:
    """Read how the training of one job went."""
    return ProbeTraining.read(folder / TRAINING_FILE)


def read_trainings(outputs: Sequence[Path]) -> tuple[ProbeTraining, ...]:
    """Read how the trainings in some folders of jobs went, in the order of shuffles, REGIONS and folds."""
    return tuple(training for training, _ in _list_probes(outputs))


def read_stacks(outputs: Sequence[Path]) -> "StackSummary":
    """Read how slices were made, which is the same for all jobs."""
    from overread.questions.acquisition_bias.probe_stacks import StackSummary

    _, folder = _list_probes(outputs)[0]
    return StackSummary.read(folder / STACKS_FILE)


def read_scores(outputs: Sequence[Path]) -> "DataFrame":
    """Read what every probe said of every package; names such as `007` or `NA` stay text."""
    import pandas as pd

    tables = [
        pd.read_csv(folder / SCORES_FILE, dtype=str, keep_default_na=False) for _, folder in _list_probes(outputs)
    ]
    table = pd.concat(tables, ignore_index=True)
    numbers = [name for name in table.columns if name not in SCORE_COLUMNS]
    return table.astype({"shuffle": int, "fold": int, "package": int, **dict.fromkeys(numbers, float)})


def _list_probes(outputs: Sequence[Path]) -> list[tuple[ProbeTraining, Path]]:
    folders = [file.parent for output in outputs for file in output.glob(f"*/{TRAINING_FILE}")]
    found = [(read_training(folder), folder) for folder in folders]
    return sorted(found, key=lambda pair: (pair[0].shuffle, REGIONS.index(pair[0].variant), pair[0].fold))
