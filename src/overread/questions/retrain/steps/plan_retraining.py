"""Step: plan the trainings of the networks whose labels changed."""

from pathlib import Path

from overread.errors import InputError
from overread.questions.retrain.records import KeptNetwork, StudyChanges
from overread.runs.fingerprint import PlannedData
from overread.runs.pipeline_run import begin_pipeline_run
from overread.runs.plan import TrainingPlan
from overread.runs.plan_trainings import apply_epochs, check_dimensions, select_fold_cases
from overread.study.splits import Fold, split_held_out
from overread.study.study import Study
from overread.training.presets import Preset, read_preset
from overread.training.result import AddedLabels, TrainingJob

PIPELINE = "retrain"
_SEED = 0


def run(study_folder: Path, changes_file: Path, *, jobs_per_task: int, plan_file: Path, store: str) -> TrainingPlan:
    """Plan one training per network whose labels changed, and open the pipeline run in MLflow.

    Args:
        study_folder: the study at the revision that was looked at.
        changes_file: from `find_changes`.
        jobs_per_task: trainings that share a task; 0 for all in one.
        plan_file: gets the plan, as JSON.
        store: address of the result store.

    Raises:
        InputError: a source has labelled no training or validation case, or no case is held out.
    """
    changes = StudyChanges.read(changes_file)
    plan = plan_retraining(Study.open(study_folder), changes, jobs_per_task=jobs_per_task)
    plan.write(plan_file)
    begin_pipeline_run(plan, changes.choice, study_uri=changes.study_uri, store=store)
    return plan


def plan_retraining(study: Study, changes: StudyChanges, *, jobs_per_task: int) -> TrainingPlan:
    """Plan one training per network whose labels changed, all with the same held-out cases."""
    choice = changes.choice
    preset = apply_epochs(read_preset(choice.preset, folder=study.root), choice.epochs)
    check_dimensions(preset, choice.preset, study)
    fold = split_held_out(study, validation_fraction=preset.validation_fraction, seed=_SEED)
    sources = changes.needed_sources
    data = PlannedData.read(study, sources)
    parts = {
        "choice": choice.model_dump(mode="json"),
        "networks": [network.model_dump(mode="json") for network in changes.networks],
        "preset": preset.model_dump(mode="json"),
    }
    return TrainingPlan(
        pipeline=PIPELINE,
        study=changes.study,
        preset_name=choice.preset,
        preset=preset,
        sources=sources,
        folds=1,
        repeats=1,
        seed=_SEED,
        revision=changes.revision,
        images_digest=data.images_digest,
        source_digests=data.source_digests,
        jobs=tuple(_plan_job(study, network, fold, preset) for network in changes.to_train),
        jobs_per_task=jobs_per_task,
        run_fingerprint=data.name_run(revision=changes.revision, parts=parts),
    )


def find_job(plan: TrainingPlan, network: KeptNetwork) -> TrainingJob:
    """The training of a network."""
    (job,) = (job for job in plan.jobs if job.sources == network.sources)
    return job


def _plan_job(study: Study, network: KeptNetwork, fold: Fold, preset: Preset) -> TrainingJob:
    source, *others = network.sources
    train, validation = select_fold_cases(study, source, fold, 0)
    added = None
    if others:
        cases = study.labels(others[0]).select_labelled(fold.train)
        if not cases:
            raise InputError(
                "both sources of a mix must have labelled cases to learn from",
                found=0,
                where=f"source {others[0]!r} of {network.labels!r}",
                hint="leave the mix out",
            )
        added = AddedLabels(source=others[0], ratio=1.0, cases=cases)
    return TrainingJob(
        source=source,
        network=preset.network.architecture,
        fold=0,
        repeat=0,
        seed=_SEED,
        train_cases=train,
        validation_cases=validation,
        test_cases=fold.test,
        added=added,
    )
