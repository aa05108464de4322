"""Step: which networks are trained on what."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from pydantic import Field

from overread.errors import InputError, SettingsError
from overread.networks.settings import Architecture
from overread.runs.fingerprint import PlannedData
from overread.runs.foresight import tell_foresight
from overread.runs.pipeline_run import begin_pipeline_run
from overread.runs.plan import TrainingPlan
from overread.settings import Settings
from overread.study.splits import Fold, split_folds
from overread.study.study import Study
from overread.training.presets import Preset, read_preset
from overread.training.result import AddedLabels, TrainingJob, seed_jobs


class PlanSettings(Settings):
    """What a user chooses about a cross-validated comparison of sources."""

    pipeline: str = Field(description="name of the pipeline, for tracking")
    sources: tuple[str, ...] = Field(
        (), description="sources to compare; all that are neither hidden nor derived if empty"
    )
    preset: str = Field(description="name of a preset, or path of a YAML file")
    folds: int = Field(description="rounds of the cross-validation, split by subject")
    repeats: int = Field(
        1, description="trainings per source and fold, each with a seed of its own and judged by itself"
    )
    mix_ratios: tuple[float, ...] = Field(
        (), description="shares of the second source's labels that are added to the first's; ignored with one source"
    )
    epochs: int = Field(0, description="upper bound of epochs; 0 takes the preset's")
    seed: int = Field(0, description="seeds folds, initialisation and sampling")
    jobs_per_task: int = Field(1, description="trainings that share a task and its GPU; 0 for all in one task")


def run(
    study_folder: Path, settings: PlanSettings, *, study_uri: str, revision: str, plan_file: Path, store: str
) -> TrainingPlan:
    """Plan the trainings, write the plan as JSON and open the pipeline run in MLflow.

    Raises:
        InputError: see `plan_trainings`.
    """
    study = Study.open(study_folder)
    plan = plan_trainings(study, settings, revision=revision)
    plan.write(plan_file)
    tell_foresight(plan, study, store=store)
    begin_pipeline_run(plan, settings, study_uri=study_uri, store=store)
    return plan


def plan_trainings(study: Study, settings: PlanSettings, *, revision: str) -> TrainingPlan:
    """Plan one training per source, fold and repeat, and as many per ratio for the first source with added labels.

    The folds are the same for all sources, so their networks are tested on the same held-out cases.

    Raises:
        InputError: unknown source or preset, fewer subjects than folds, a source with fewer cases than folds.
    """
    sources = study.select_sources(settings.sources)
    if not sources:
        raise InputError("a study must have at least one source that is neither hidden nor derived", found="none")
    if settings.repeats < 1:
        raise InputError("repeats must be 1 or more", found=settings.repeats)
    if settings.jobs_per_task < 0:
        raise InputError("jobs_per_task must be 0 (all in one task) or more", found=settings.jobs_per_task)
    check_seed(settings.seed)
    check_mix_ratios(settings.mix_ratios)
    preset = apply_epochs(read_preset(settings.preset, folder=study.root), settings.epochs)
    check_dimensions(preset, settings.preset, study)
    check_case_counts(study, sources, settings.folds)
    folds = split_folds(study, folds=settings.folds, validation_fraction=preset.validation_fraction, seed=settings.seed)
    data = PlannedData.read(study, sources)
    choices = settings.model_dump(mode="json", exclude={"jobs_per_task"}) | {"sources": sources}
    parts = {"settings": choices, "preset": preset.model_dump(mode="json")}
    return TrainingPlan(
        pipeline=settings.pipeline,
        study=study.settings.name,
        preset_name=settings.preset,
        preset=preset,
        sources=sources,
        raters=tuple(name for name in sources if study.settings.sources[name].kind != "consensus"),
        folds=settings.folds,
        repeats=settings.repeats,
        seed=settings.seed,
        revision=revision,
        images_digest=data.images_digest,
        source_digests=data.source_digests,
        jobs=seed_jobs(_list_jobs(study, sources, folds, settings, preset.network.architecture), settings.seed),
        jobs_per_task=settings.jobs_per_task,
        run_fingerprint=data.name_run(revision=revision, parts=parts),
    )


def _list_jobs(
    study: Study, sources: Sequence[str], folds: Sequence[Fold], settings: PlanSettings, network: Architecture
) -> list[TrainingJob]:
    jobs = []
    for index, fold in enumerate(folds):
        for source in sources:
            for added in (None, *(_draw_added(study, sources, fold, settings) if source == sources[0] else ())):
                train, validation = select_fold_cases(study, source, fold, index)
                jobs += [
                    TrainingJob(
                        source=source,
                        network=network,
                        fold=index,
                        repeat=repeat,
                        seed=settings.seed,
                        train_cases=train,
                        validation_cases=validation,
                        test_cases=fold.test,
                        added=added,
                    )
                    for repeat in range(settings.repeats)
                ]
    return jobs


def _draw_added(study: Study, sources: Sequence[str], fold: Fold, settings: PlanSettings) -> Iterator[AddedLabels]:
    """Labels of the second source, a part of its training cases per ratio; a smaller part lies in a larger one."""
    if len(sources) < 2:
        return
    labelled = study.labels(sources[1]).select_labelled(fold.train)
    order = np.random.default_rng(settings.seed).permutation(len(labelled))
    for ratio in settings.mix_ratios:
        count = max(1, round(ratio * len(labelled)))
        cases = tuple(labelled[index] for index in sorted(order[:count]))
        yield AddedLabels(source=sources[1], ratio=ratio, cases=cases)


def check_mix_ratios(ratios: Sequence[float]) -> None:
    """Refuse ratios that are no shares or are given twice."""
    if any(not 0 < ratio <= 1 for ratio in ratios) or len(set(ratios)) < len(ratios):
        raise InputError("mix_ratios must be different shares, above 0 and at most 1", found=list(ratios))


def select_fold_cases(study: Study, source: str, fold: Fold, index: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Training and validation cases of a fold that a source has labelled.

    Raises:
        InputError: there is none of one of the two.
    """
    labels = study.labels(source)
    train, validation = labels.select_labelled(fold.train), labels.select_labelled(fold.validation)
    if not train or not validation:
        raise InputError(
            "a source must have labelled training and validation cases in every fold",
            found=f"{len(train)} and {len(validation)}",
            where=f"source {source!r}, fold {index}",
            hint="use fewer folds, or leave the source out: name the others in `sources`",
        )
    return train, validation


def apply_epochs(preset: Preset, epochs: int) -> Preset:
    """The preset with another upper bound of epochs; 0 leaves it as it is."""
    if epochs < 0:
        raise SettingsError("epochs must be 0 (the preset's) or more", found=epochs)
    if epochs == 0:
        return preset
    return preset.model_copy(update={"training": preset.training.model_copy(update={"epochs": epochs})})


def check_seed(seed: int) -> None:
    """Refuse a negative seed, which NumPy's generators do not take."""
    if seed < 0:
        raise InputError("seed must be 0 or more", found=seed)


def check_dimensions(preset: Preset, name: str, study: Study) -> None:
    """Refuse a preset for 2D on a 3D study and the other way round."""
    axes = len(preset.training.sampling.patch_size)
    if axes != study.settings.dimensions:
        raise InputError(
            f"a preset must fit the study, which has {study.settings.dimensions} dimensions",
            found=f"{name!r} with patches of {axes}",
        )


def check_case_counts(study: Study, sources: Sequence[str], folds: int) -> None:
    """Refuse sources with fewer cases than folds."""
    for source in sources:
        count = len(study.labelled_case_ids(source))
        if count < folds:
            raise InputError(
                f"a source must have labelled at least as many cases as there are folds, {folds}",
                found=count,
                where=f"source {source!r}",
                hint="use fewer folds or leave the source out",
            )
