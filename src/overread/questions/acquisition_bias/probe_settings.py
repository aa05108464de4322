"""What a probe is told, and what its training leaves."""

from collections.abc import Sequence
from typing import Literal, TypeAlias

from pydantic import Field, field_validator, model_validator

from overread.evaluation.verdict import AUROC_THAT_MATTERS
from overread.records import Result
from overread.settings import DescribedSettings, Settings

Region: TypeAlias = Literal["whole", "outside", "body", "noise"]
"""What a probe sees: the whole slice, padding and air outside the body, the body, or the noise inside it."""
REGIONS: tuple[Region, ...] = ("whole", "outside", "body", "noise")
FEW_FOLDS, MANY_FOLDS = 5, 10
MANY_SUBJECTS = 40
"""From so many subjects on there are MANY_FOLDS folds where a preset leaves their number open."""
FEWEST_SHUFFLES = 19
"""With fewer, no p can reach 5 %."""
_FEWEST_FOLDS = 3
_SMALLEST_STEP = 8


class ProbeImageSettings(Settings):
    """From a case to the slices that a probe sees."""

    side: int = Field(256, ge=16, description="rows and columns that slices are resized to; a multiple of 8")
    slices: int = Field(3, ge=1, description="slices of a case that enter together, as channels")
    most_slices: int = Field(
        64, ge=1, description="slices of a case that are kept, evenly spaced, the rest is not read"
    )
    window: tuple[float, float] | None = Field(
        None, description="centre and width, in stored units (HU for CT); None takes the intensity recipe of study.yaml"
    )
    flip_rows: bool = Field(False, description="turn a package upside down with probability 1/2")
    flip_columns: bool = Field(True, description="mirror a package left to right with probability 1/2")
    body_threshold: float | None = Field(
        None, description="the body is brighter, in stored units; None takes -300 HU in CT, else Otsu's, by slice"
    )
    margin: int = Field(2, ge=0, description="pixels on either side of the body's edge that belong to no region")
    noise_sigma: float = Field(
        1.0, gt=0, description="pixels; noise is what a Gaussian filter of this width takes away"
    )

    @field_validator("side")
    @classmethod
    def _can_be_halved(cls, side: int) -> int:
        if side % _SMALLEST_STEP:
            raise ValueError(f"side must be a multiple of {_SMALLEST_STEP}")
        return side

    @field_validator("window")
    @classmethod
    def _has_width(cls, window: tuple[float, float] | None) -> tuple[float, float] | None:
        if window is not None and window[1] <= 0:
            raise ValueError("the width of window must be above 0")
        return window


class ProbeNetworkSettings(Settings):
    """Shape of the probe."""

    widths: tuple[int, int, int] = Field((16, 32, 64), description="features of the three blocks")
    features: Literal["averaged", "flattened"] = Field(
        "averaged", description="what the dense layer sees of each feature: its mean over the slice, or all of it"
    )
    dropout: float = Field(0.0, ge=0, lt=1, description="probability that a feature is dropped before the dense layer")


class ProbeTrainingSettings(Settings):
    """The loop."""

    epochs: int = Field(ge=1, description="rounds; in each, every class shows as many cases as the largest has")
    batch_size: int = Field(16, ge=2, description="packages per step")
    learning_rate: float = Field(1e-3, gt=0, description="step size of Adam at the start; it falls to 0 as a cosine")
    weight_decay: float = Field(0.0, ge=0, description="decoupled weight decay of AdamW; 0 is plain Adam")
    precision: Literal["auto", "bf16", "fp32"] = Field(
        "auto", description="auto: bf16 on a GPU or CPU that computes it in hardware, else fp32"
    )


class ProbeMatchingSettings(Settings):
    """Making age and sex alike in all classes by leaving subjects out."""

    age_column: str = Field("age", description="column of cases.csv, in years; no such column, no matching by age")
    sex_column: str = Field("sex", description="column of cases.csv; no such column, no matching by sex")
    band_years: int = Field(10, ge=1, description="width of an age band")
    fewest_kept: float = Field(
        0.5, gt=0, le=1, description="share of the smallest class that must be left, or nothing is matched"
    )


class ProbePreset(DescribedSettings):
    """Everything that shapes a probe, apart from the data."""

    image: ProbeImageSettings = ProbeImageSettings()
    network: ProbeNetworkSettings = ProbeNetworkSettings()
    training: ProbeTrainingSettings
    matching: ProbeMatchingSettings = ProbeMatchingSettings()
    folds: int = Field(
        0,
        ge=0,
        description="parts of the subjects, each held out once; 0 makes 10 where 40 subjects or more, and 10 of each "
        "class, can be compared, else 5",
    )
    validation_folds: int = Field(1, ge=1, description="further parts, which choose the best epoch")
    packages: int = Field(4, ge=1, description="random packages of slices by which a held-out case is judged")
    shuffles: int = Field(
        0,
        ge=0,
        description="times that all probes are trained anew on classes shuffled among subjects, which then decide what "
        "is told: 0, or 19 or more (39 find more); each takes as many trainings as the true classes",
    )
    matters: float = Field(
        AUROC_THAT_MATTERS, gt=0, lt=0.5, description="smallest AUROC above 0.5, or difference of two, that matters"
    )

    @field_validator("folds")
    @classmethod
    def _is_open_or_enough(cls, folds: int) -> int:
        if folds and folds < _FEWEST_FOLDS:
            raise ValueError(f"folds must be {_FEWEST_FOLDS} or more, or 0")
        return folds

    @field_validator("shuffles")
    @classmethod
    def _can_show_something(cls, shuffles: int) -> int:
        if 0 < shuffles < FEWEST_SHUFFLES:
            raise ValueError(f"shuffles must be 0, or {FEWEST_SHUFFLES} or more: fewer can show nothing")
        return shuffles

    @model_validator(mode="after")
    def _leaves_training_cases(self) -> "ProbePreset":
        if self.validation_folds > (self.folds or FEW_FOLDS) - 2:
            raise ValueError("validation_folds must leave a fold to hold out and one to learn from")
        return self

    def choose_folds(self, subject_counts: Sequence[int]) -> int:
        """Number of folds for so many subjects of each class."""
        is_many = sum(subject_counts) >= MANY_SUBJECTS and min(subject_counts) >= MANY_FOLDS
        return self.folds or (MANY_FOLDS if is_many else FEW_FOLDS)


class ProbeTraining(Result):
    """One trained probe.

    Attributes:
        variant: what it saw.
        shuffle: number of the shuffle of the classes, from 1; 0 for the true classes.
        fold: its round, from 0.
        train_count: cases that it learnt from.
        validation_count: cases that chose the epoch.
        test_count: held-out cases.
        kept_epoch: epoch whose weights were kept, from 1.
        validation_loss: cross-entropy of that epoch.
        parameter_count: trainable parameters.
        duration_seconds: wall-clock time of the training.
        device: cpu or the GPU's name.
    """

    variant: str
    shuffle: int = 0
    fold: int
    train_count: int
    validation_count: int
    test_count: int
    kept_epoch: int
    validation_loss: float
    parameter_count: int
    duration_seconds: float
    device: str
