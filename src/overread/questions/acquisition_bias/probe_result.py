"""What the training of a probe reports."""

from overread.settings import Settings


class ProbeTraining(Settings):
    """One trained probe.

    Attributes:
        variant: what it saw.
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
    fold: int
    train_count: int
    validation_count: int
    test_count: int
    kept_epoch: int
    validation_loss: float
    parameter_count: int
    duration_seconds: float
    device: str
