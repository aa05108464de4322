"""What a finished training reports."""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from overread.labels.settings import PerturbationSettings
from overread.networks.settings import Architecture
from overread.settings import Settings
from overread.training.settings import Relabelling

RESULT_FILE = "result.json"
FAILURE_FILE = "failure.json"


class RedrawnLabels(Settings):
    """Labels that are perturbed anew in every epoch.

    Attributes:
        variant: name of the perturbation, for example `natural-0.90`.
        perturbation: how each mask is perturbed.
    """

    variant: str
    perturbation: PerturbationSettings


class AddedLabels(Settings):
    """Examples of a second source, beside those of the first (Schwartzman et al. 2019, section 3.2).

    Attributes:
        source: whose labels they are.
        ratio: their share of the training cases that this source has labelled, in (0, 1].
        cases: these cases; one that the first source has labelled too is two examples.
    """

    source: str
    ratio: float
    cases: tuple[str, ...]


class TrainingJob(Settings):
    """One network to train: a source, the cases it learns from, and its place in the cross-validation.

    Attributes:
        source: whose labels it learns.
        network: architecture of the network.
        fold: index of the held-out fold, from 0.
        repeat: index of the random initialisation, from 0.
        seed: seeds initialisation, sampling and dropout.
        train_cases: cases whose masks the loss sees.
        validation_cases: cases that choose the best epoch.
        test_cases: held-out cases, which the training does not read.
        validation_source: whose labels choose the best epoch; `source` itself if empty.
        redrawn: how the labels of `source` are perturbed on the way to the loss; None to learn them as they are.
        added: labels of another source that are learnt too; None for none.
        keep: whether the weights of the epoch with the best validation Dice are kept, or those of the last one.
        correction: what is done about errors of the labels: pixels are reweighted by the validation cases, whose labels
            are taken for clean, or masks are relabelled on the way; None for nothing.
    """

    source: str
    network: Architecture
    fold: int
    repeat: int
    seed: int
    train_cases: tuple[str, ...]
    validation_cases: tuple[str, ...]
    test_cases: tuple[str, ...]
    validation_source: str = ""
    redrawn: RedrawnLabels | None = None
    added: AddedLabels | None = None
    keep: Literal["best", "last"] = "best"
    correction: Literal["reweight"] | Relabelling | None = None

    @property
    def labels(self) -> str:
        """Name of the labels that the loss sees, and of what is done about their errors."""
        if isinstance(self.correction, Relabelling):
            return f"{self.source}-relabel-{self.correction.uncertainty.method}"
        if self.correction == "reweight":
            return f"{self.source}-reweight"
        if self.added:
            return f"{self.source}+{self.added.ratio:.2f}-{self.added.source}"
        return f"{self.source}-{self.redrawn.variant}" if self.redrawn else self.source

    @property
    def sources(self) -> tuple[str, ...]:
        """Sources whose masks the training reads."""
        read = (self.source, self.validation_source, self.added.source if self.added else "")
        return tuple(name for name in dict.fromkeys(read) if name)

    @property
    def name(self) -> str:
        """A name for folders and tables, unique within a pipeline run."""
        return f"{self.network}-{self.labels}-fold{self.fold}-repeat{self.repeat}"


def seed_jobs(jobs: Iterable[TrainingJob], seed: int) -> tuple[TrainingJob, ...]:
    """Give every training a seed of its own, by its name.

    With a seed in common, trainings of several sources or folds would share their luck, and an interval that is
    measured from how trainings differ would be too narrow.

    Args:
        jobs: whatever their seeds are.
        seed: of the run; trainings of the same name and run seed are alike, whatever else the run trains.
    """
    return tuple(job.model_copy(update={"seed": _derive_seed(seed, job.name)}) for job in jobs)


def _derive_seed(seed: int, name: str) -> int:
    digest = hashlib.sha256(f"{seed}\0{name}".encode()).digest()
    return int.from_bytes(digest[:4])


class TrainingResult(Settings):
    """How a training went.

    Attributes:
        job: what was trained on what.
        fingerprint: names this result: data, settings and code.
        epochs: epochs done, the one that stopped early included.
        kept_epoch: epoch whose weights were kept, from 1.
        kept_validation_dice: mean Dice over the validation cases at that epoch.
        parameter_count: trainable parameters.
        duration_seconds: wall-clock time of the loop, summed over resumptions.
        voxels_per_second: voxels of training patches per second of the loop.
        device: cpu or the GPU's name.
    """

    job: TrainingJob
    fingerprint: str
    epochs: int
    kept_epoch: int
    kept_validation_dice: float
    parameter_count: int
    duration_seconds: float
    voxels_per_second: float
    device: str

    @classmethod
    def read(cls, folder: Path) -> "TrainingResult":
        """Read the result of the training in `folder`."""
        return cls.model_validate_json((folder / RESULT_FILE).read_text(encoding="utf-8"))

    def write(self, folder: Path) -> None:
        """Write the result into the training's folder."""
        (folder / RESULT_FILE).write_text(self.model_dump_json(indent=2), encoding="utf-8")


class TrainingFailure(Settings):
    """A training that was tried and left no network.

    Attributes:
        job: what was to be trained on what.
        reason: why the last attempt ended, in one line.
    """

    job: TrainingJob
    reason: str

    @classmethod
    def read(cls, folder: Path) -> "TrainingFailure":
        """Read the failure that the training's folder holds."""
        return cls.model_validate_json((folder / FAILURE_FILE).read_text(encoding="utf-8"))

    def write(self, folder: Path) -> None:
        """Write the failure into the training's folder."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / FAILURE_FILE).write_text(self.model_dump_json(indent=2), encoding="utf-8")
