"""Step: which networks `label-noise` trains on which variants."""

from pathlib import Path
from typing import get_args

from pydantic import Field

from overread.errors import InputError, SettingsError
from overread.evaluation.design import FEWEST_CONDITIONS, Foresight, foresee_loss
from overread.evaluation.estimate import FEWEST_SUBJECTS, MOST_FOLDS
from overread.networks.settings import Architecture
from overread.runs.fingerprint import PlannedData
from overread.runs.label_variants import LabelVariants
from overread.runs.pipeline_run import begin_pipeline_run
from overread.runs.plan import TrainingPlan
from overread.runs.plan_trainings import check_case_counts, check_dimensions, select_fold_cases
from overread.runs.progress import report_progress
from overread.settings import Settings
from overread.study.splits import Fold, split_folds
from overread.study.study import Study
from overread.training.presets import Preset, read_preset
from overread.training.result import TrainingJob, seed_jobs

PIPELINE = "label-noise"


class NoisePlanSettings(Settings):
    """What a user chooses about the trainings on perturbed labels."""

    networks: tuple[str, ...] = Field(description="architectures, each trained on every variant")
    preset: str = Field(description="name of a preset, or path of a YAML file")
    folds: int = Field(description="rounds of the cross-validation, split by subject")
    repeats: int = Field(2, description="trainings per network, variant and fold, each with a seed of its own")
    seed: int = Field(0, ge=0, description="seeds folds, initialisation and sampling")
    jobs_per_task: int = Field(1, description="trainings that share a task and its GPU; 0 for all in one task")


def run(
    study_folder: Path,
    variants_file: Path,
    settings: NoisePlanSettings,
    *,
    study_uri: str,
    revision: str,
    plan_file: Path,
    store: str,
) -> TrainingPlan:
    """Plan the trainings, write the plan as JSON and open the pipeline run in MLflow.

    Raises:
        InputError: see `plan_noise_trainings`.
    """
    variants = LabelVariants.read(variants_file)
    study = Study.open(study_folder)
    plan = plan_noise_trainings(study, variants, settings, revision=revision)
    plan.write(plan_file)
    report_progress(foretell(study, plan))
    begin_pipeline_run(plan, settings, study_uri=study_uri, store=store)
    return plan


def plan_noise_trainings(
    study: Study, variants: LabelVariants, settings: NoisePlanSettings, *, revision: str
) -> TrainingPlan:
    """Plan one training per network, variant, fold and repeat.

    Every training has a seed of its own. Validation and held-out cases have the labels of the clean source.

    Raises:
        InputError: unknown network or preset, fewer subjects or cases than folds.
    """
    if len(variants.variants) < 2:
        raise SettingsError("variants must name at least one perturbation", found="none", hint="natural-0.90 is one")
    if settings.repeats < 1:
        raise InputError("repeats must be 1 or more", found=settings.repeats)
    if settings.jobs_per_task < 0:
        raise InputError("jobs_per_task must be 0 (all in one task) or more", found=settings.jobs_per_task)
    preset = _choose_preset(study, settings)
    check_case_counts(study, [variants.source], settings.folds)
    folds = split_folds(study, folds=settings.folds, validation_fraction=preset.validation_fraction, seed=settings.seed)
    jobs = seed_jobs(
        (
            _build_job(study, variants, variant.name, network, (index, fold, repeat, settings.seed))
            for index, fold in enumerate(folds)
            for repeat in range(settings.repeats)
            for network in check_networks(settings.networks)
            for variant in variants.variants
        ),
        settings.seed,
    )
    sources = tuple(dict.fromkeys(job.source for job in jobs))
    data = PlannedData.read(study, sources)
    parts = {
        "settings": settings.model_dump(mode="json", exclude={"jobs_per_task"}),
        "variants": variants.model_dump(mode="json"),
        "preset": preset.model_dump(mode="json"),
    }
    return TrainingPlan(
        pipeline=PIPELINE,
        study=study.settings.name,
        preset_name=settings.preset,
        preset=preset,
        sources=sources,
        folds=settings.folds,
        repeats=settings.repeats,
        seed=settings.seed,
        revision=revision,
        images_digest=data.images_digest,
        source_digests=data.source_digests,
        jobs=jobs,
        jobs_per_task=settings.jobs_per_task,
        run_fingerprint=data.name_run(revision=revision, parts=parts),
        averages_repeats=False,
        tolerates_failures=True,
        tries_thresholds=True,
    )


def foretell(study: Study, plan: TrainingPlan) -> str:
    """Say what the planned trainings can find, or what they lack for a valid interval."""
    networks = len({job.network for job in plan.jobs})
    conditions = len({(job.network, job.labels) for job in plan.jobs})
    pooled = conditions // networks if conditions >= FEWEST_CONDITIONS * networks else conditions
    subjects = {study.subject_of[case_id] for job in plan.jobs for case_id in job.test_cases}
    foreseen = foresee_loss(len(subjects), folds=plan.folds, repeats=plan.repeats, conditions=pooled)
    planned = f"{len(plan.jobs)} trainings of {conditions} networks × labels"
    if foreseen.smallest_detectable is not None:
        found = f"{foreseen.smallest_detectable:.3f}"
        return f"{planned}: a loss of about {found} Dice is found by three of four such studies"
    return f"{planned} allow no valid interval, so no verdict: {_find_lack(foreseen)}"


def _find_lack(foreseen: Foresight) -> str:
    if foreseen.subject_count < FEWEST_SUBJECTS:
        return f"hold out {FEWEST_SUBJECTS} subjects or more"
    if foreseen.fold_count > MOST_FOLDS:
        return f"set folds to {MOST_FOLDS} or fewer"
    return f"set repeats to 2 or more, and train {FEWEST_CONDITIONS} networks × labels or more"


def check_networks(names: tuple[str, ...]) -> tuple[Architecture, ...]:
    """Check the names of architectures.

    Raises:
        SettingsError: none, an unknown one, or one that is given twice.
    """
    known = get_args(Architecture)
    if not names or len(set(names)) < len(names) or not set(names) <= set(known):
        raise SettingsError(
            "networks must be different architectures",
            found=repr(",".join(names)),
            hint=f"known: {', '.join(known)}",
        )
    return names  # type: ignore[return-value]


def _choose_preset(study: Study, settings: NoisePlanSettings) -> Preset:
    preset = read_preset(settings.preset, folder=study.root)
    check_dimensions(preset, settings.preset, study)
    for network in check_networks(settings.networks):
        preset.with_architecture(network)
    return preset


def _build_job(
    study: Study, variants: LabelVariants, variant: str, network: Architecture, place: tuple[int, Fold, int, int]
) -> TrainingJob:
    fold, cases, repeat, seed = place
    train, validation = select_fold_cases(study, variants.source, cases, fold)
    redrawn = next((item for item in variants.redrawn if item.variant == variant), None)
    return TrainingJob(
        source=variants.source if redrawn else variants.name_labels(variant),
        network=network,
        fold=fold,
        repeat=repeat,
        seed=seed,
        train_cases=train,
        validation_cases=validation,
        test_cases=study.labels(variants.source).select_labelled(cases.test),
        validation_source=variants.source,
        redrawn=redrawn,
    )
