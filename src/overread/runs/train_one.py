"""Step: train one network on all labelled cases of a source."""

from collections.abc import Sequence
from pathlib import Path
from typing import cast

from overread.errors import InputError, SettingsError
from overread.networks.hardware import DeviceName, select_device
from overread.runs.plan_trainings import apply_epochs, check_dimensions, check_seed
from overread.runs.progress import report_progress
from overread.runs.train_networks import compute_job_fingerprint
from overread.runs.training_choice import TrainingChoice
from overread.study.digest import compute_images_digest, compute_source_digest, compute_study_digest
from overread.study.output_folder import check_is_outside_labels
from overread.study.splits import split_validation
from overread.study.study import Study
from overread.training.history import EpochReport
from overread.training.job import run_training_job
from overread.training.loop import Session
from overread.training.presets import read_preset
from overread.training.result import TrainingJob, TrainingResult


def run(folder: Path, output: Path, choice: TrainingChoice) -> TrainingResult:
    """Train a network, its checkpoint and result in `output`.

    Raises:
        InputError: unknown source or preset, fewer than two labelled subjects, or an output folder among labels.
    """
    check_is_outside_labels(folder, output)
    study, source = Study.open(folder), choice.source
    read = tuple(dict.fromkeys((source, choice.validation_source or source)))
    study.select_sources(read)
    if choice.device not in ("auto", "cpu", "cuda"):
        raise SettingsError("device must be auto, cpu or cuda", found=repr(choice.device))
    check_seed(choice.seed)
    preset = apply_epochs(read_preset(choice.preset), choice.epochs)
    settings = preset.with_architecture(choice.network or preset.network.architecture)
    check_dimensions(settings, choice.preset, study)
    labelled = study.labelled_case_ids(source)
    train, validation = split_validation(study, labelled, fraction=settings.validation_fraction, seed=choice.seed)
    if not train or not validation:
        subjects = len({study.subject_of[case_id] for case_id in labelled})
        raise InputError(
            "a source must have labelled at least two subjects", found=subjects, where=f"source {source!r}"
        )
    job = TrainingJob(
        source=source,
        network=settings.network.architecture,
        fold=0,
        repeat=0,
        seed=choice.seed,
        train_cases=train,
        validation_cases=validation,
        test_cases=(),
        validation_source=choice.validation_source,
    )
    digests = {name: compute_source_digest(study, name) for name in read}
    data_digest = compute_study_digest(compute_images_digest(study), digests)
    output.mkdir(parents=True, exist_ok=True)
    result = run_training_job(
        study,
        job,
        settings,
        folder=output,
        session=Session(
            device=select_device(cast(DeviceName, choice.device)),
            checkpoint=output / "checkpoint.pt",
            fingerprint=compute_job_fingerprint(data_digest, settings, job),
            on_epoch=_report,
        ),
    )
    (output / "checkpoint.pt").unlink()
    return result


def _report(reports: Sequence[EpochReport]) -> None:
    report = reports[-1]
    dice = "" if report.validation_dice is None else f", validation Dice {report.validation_dice:.3f}"
    report_progress(f"epoch {report.epoch}: loss {report.loss:.4f}{dice}, {report.seconds:.0f} s")
