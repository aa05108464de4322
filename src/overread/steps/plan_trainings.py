"""Step: which networks are trained on what."""

from collections.abc import Sequence
from pathlib import Path

from overread.errors import InputError
from overread.presets import Preset, read_preset
from overread.settings import Settings
from overread.study.digest import compute_source_digest, compute_study_digest
from overread.study.splits import Fold, split_folds
from overread.study.study import Study
from overread.training.result import TrainingJob

PLAN_FILE = "plan.json"


class PlanSettings(Settings):
    """What a user chooses about a cross-validated comparison of sources."""

    sources: tuple[str, ...] = ()
    preset: str
    folds: int
    repeats: int
    epochs: int = 0
    seed: int = 0


class TrainingPlan(Settings):
    """The jobs of a pipeline run and all that they share."""

    preset_name: str
    preset: Preset
    sources: tuple[str, ...]
    folds: int
    repeats: int
    seed: int
    revision: str
    study_digest: str
    source_digests: dict[str, str]
    jobs: tuple[TrainingJob, ...]

    @classmethod
    def read(cls, path: Path) -> "TrainingPlan":
        """Read a plan that `write` wrote."""
        return cls.model_validate_json(path.read_text(encoding="utf-8"))

    def write(self, path: Path) -> None:
        """Write the plan as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.model_dump_json(indent=2), encoding="utf-8")


def run(study_folder: Path, settings: PlanSettings, *, revision: str, plan_file: Path) -> TrainingPlan:
    """Plan one training per source, fold and repeat, and write the plan.

    The folds are the same for all sources, so their networks are tested on the same held-out cases.

    Raises:
        InputError: unknown source or preset, fewer subjects than folds, a source with fewer cases than folds.
    """
    study = Study.open(study_folder)
    sources = study.select_sources(settings.sources)
    if not sources:
        raise InputError("a study must have at least one source that is neither hidden nor derived", found="none")
    if settings.repeats < 1:
        raise InputError("repeats must be 1 or more", found=settings.repeats)
    preset = _apply_epochs(read_preset(settings.preset), settings.epochs)
    _check_dimensions(preset, settings.preset, study)
    _check_case_counts(study, sources, settings.folds)
    folds = split_folds(
        study, folds=settings.folds, validation_fraction=preset.validation_fraction, seed=settings.seed
    )
    plan = TrainingPlan(
        preset_name=settings.preset,
        preset=preset,
        sources=sources,
        folds=settings.folds,
        repeats=settings.repeats,
        seed=settings.seed,
        revision=revision,
        study_digest=compute_study_digest(study, sources),
        source_digests={source: compute_source_digest(study, source) for source in sources},
        jobs=tuple(_list_jobs(study, sources, folds, settings)),
    )
    plan.write(plan_file)
    return plan


def batch_jobs(plan: TrainingPlan, jobs_per_task: int) -> list[list[str]]:
    """Names of the jobs, in batches of `jobs_per_task`; 0 puts all into one batch."""
    if jobs_per_task < 0:
        raise InputError("jobs_per_task must be 0 (all in one task) or more", found=jobs_per_task)
    names = [job.name for job in plan.jobs]
    size = jobs_per_task or len(names)
    return [names[start : start + size] for start in range(0, len(names), size)]


def _list_jobs(
    study: Study, sources: Sequence[str], folds: Sequence[Fold], settings: PlanSettings
) -> list[TrainingJob]:
    jobs = []
    for index, fold in enumerate(folds):
        for source in sources:
            labels = study.labels(source)
            train, validation = labels.select_labelled(fold.train), labels.select_labelled(fold.validation)
            if not train or not validation:
                raise InputError(
                    "a source must have labelled training and validation cases in every fold",
                    found=f"{len(train)} and {len(validation)}",
                    where=f"source {source!r}, fold {index}",
                    hint="use fewer folds or leave the source out",
                )
            jobs += [
                TrainingJob(
                    source=source,
                    fold=index,
                    repeat=repeat,
                    seed=settings.seed + repeat,
                    train_cases=train,
                    validation_cases=validation,
                    test_cases=fold.test,
                )
                for repeat in range(settings.repeats)
            ]
    return jobs


def _apply_epochs(preset: Preset, epochs: int) -> Preset:
    if epochs < 0:
        raise InputError("epochs must be 0 (the preset's) or more", found=epochs)
    if epochs == 0:
        return preset
    return preset.model_copy(update={"training": preset.training.model_copy(update={"epochs": epochs})})


def _check_dimensions(preset: Preset, name: str, study: Study) -> None:
    axes = len(preset.training.sampling.patch_size)
    if axes != study.settings.dimensions:
        raise InputError(
            f"a preset must fit the study, which has {study.settings.dimensions} dimensions",
            found=f"{name!r} with patches of {axes}",
        )


def _check_case_counts(study: Study, sources: Sequence[str], folds: int) -> None:
    for source in sources:
        count = len(study.labelled_case_ids(source))
        if count < folds:
            raise InputError(
                f"a source must have labelled at least as many cases as there are folds, {folds}",
                found=count,
                where=f"source {source!r}",
                hint="use fewer folds or leave the source out",
            )
