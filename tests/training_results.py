"""What trainings say of themselves, where none was run."""

from overread.training.result import TrainingJob, TrainingResult


def make_training_result(
    job: TrainingJob,
    *,
    fingerprint: str = "0123456789abcdef",
    epochs: int = 12,
    kept_epoch: int | None = None,
    kept_validation_dice: float = 0.812,
    duration_seconds: float = 95.0,
) -> TrainingResult:
    """The result of a training on a CPU; the last epoch is kept unless another one is named."""
    return TrainingResult(
        job=job,
        fingerprint=fingerprint,
        epochs=epochs,
        kept_epoch=kept_epoch or epochs,
        kept_validation_dice=kept_validation_dice,
        parameter_count=1234567,
        duration_seconds=duration_seconds,
        voxels_per_second=250000.0,
        device="cpu",
    )
