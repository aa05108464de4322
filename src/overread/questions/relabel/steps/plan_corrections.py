"""Step: which networks `relabel` trains, and what each of them does about errors of its labels."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from overread.errors import InputError, SettingsError
from overread.inference.settings import UncertaintyMethod
from overread.labels.relabel_rules.names import settle_name
from overread.questions.relabel.results import NoisyLabels
from overread.questions.relabel.steps.choice import (
    CorrectionChoice,
    check_sources,
    find_clean_source,
    list_noises,
)
from overread.runs.fingerprint import PlannedData
from overread.runs.label_variants import LabelVariants
from overread.runs.pipeline_run import begin_pipeline_run
from overread.runs.plan import TrainingPlan
from overread.runs.plan_trainings import apply_epochs, check_case_counts, check_dimensions
from overread.study.splits import Fold, split_folds
from overread.study.study import Study
from overread.training.presets import Preset, read_preset
from overread.training.result import TrainingJob, seed_jobs
from overread.training.settings import Relabelling

PIPELINE = "relabel"


def run(
    study_folder: Path,
    variants_file: Path,
    choice: CorrectionChoice,
    *,
    study_uri: str,
    revision: str,
    plan_file: Path,
    store: str,
) -> TrainingPlan:
    """Plan the trainings, write the plan as JSON and open the pipeline run in MLflow.

    Raises:
        InputError: see `plan_corrections`.
    """
    variants = LabelVariants.read(variants_file)
    plan = plan_corrections(Study.open(study_folder), variants, choice, revision=revision)
    plan.write(plan_file)
    begin_pipeline_run(plan, choice, study_uri=study_uri, store=store)
    return plan


def plan_corrections(study: Study, variants: LabelVariants, choice: CorrectionChoice, *, revision: str) -> TrainingPlan:
    """Plan, per repeat and fold: clean labels, and per noise no correction, reweighting and relabelling.

    Without clean labels the first and the third are left out. The first method relabels every noise, the others the
    first noise alone. All trainings end after the same number of epochs, with the network of the last one, as in
    Redekop and Chernyavskiy (2021). Each has a seed of its own, so that the luck of one is not that of another; a
    training with relabelling is one training, before and after.

    Raises:
        InputError: unknown sources, methods or rules, fewer subjects or cases than folds.
    """
    check_sources(choice, variants, tuple(study.settings.sources))
    clean_source = find_clean_source(choice, variants)
    preset = _choose_preset(study, choice, has_clean=bool(clean_source))
    design = _Design(study, choice, preset, list_noises(variants), clean_source)
    folds = 1 if any(case.split for case in study.cases) else preset.correction.folds
    for name in design.sources:
        check_case_counts(study, [name], folds)
    split = split_folds(study, folds=folds, validation_fraction=preset.validation_fraction, seed=choice.seed)
    places = [(index, fold, repeat) for repeat in range(choice.repeats) for index, fold in enumerate(split)]
    jobs = seed_jobs((job for place in places for job in design.list_jobs(*place)), choice.seed)
    data = PlannedData.read(study, design.sources)
    parts = {
        "choice": choice.model_dump(mode="json", exclude={"jobs_per_task"}),
        "variants": variants.model_dump(mode="json"),
        "preset": preset.model_dump(mode="json"),
    }
    return TrainingPlan(
        pipeline=PIPELINE,
        study=study.settings.name,
        preset_name=choice.preset,
        preset=preset,
        sources=design.sources,
        folds=folds,
        repeats=choice.repeats,
        seed=choice.seed,
        revision=revision,
        images_digest=data.images_digest,
        source_digests=data.source_digests,
        jobs=jobs,
        jobs_per_task=choice.jobs_per_task,
        run_fingerprint=data.name_run(revision=revision, parts=parts),
        averages_repeats=False,
        tolerates_failures=True,
    )


def _choose_preset(study: Study, choice: CorrectionChoice, *, has_clean: bool) -> Preset:
    """The preset, with a look at the validation cases after every epoch, for the curves."""
    preset = apply_epochs(read_preset(choice.preset, folder=study.root), choice.epochs)
    check_dimensions(preset, choice.preset, study)
    epochs, rule = preset.training.epochs, choice.rule
    if rule == "uncertainty" and epochs < 2:
        raise SettingsError("relabel_after=uncertainty needs two epochs or more", found=epochs)
    if preset.correction.rule == "clean" and not has_clean:
        raise SettingsError(
            "the rule clean needs a clean_source", found="none", hint="take the rule edge, which needs no clean label"
        )
    if isinstance(rule, int) and rule > epochs:
        raise SettingsError(f"relabel_after must be an epoch of the training, 1 to {epochs}", found=rule)
    return preset.model_copy(update={"training": preset.training.model_copy(update={"validation_every": 1})})


@dataclass(frozen=True)
class _Design:
    study: Study
    choice: CorrectionChoice
    preset: Preset
    noises: tuple[NoisyLabels, ...]
    clean_source: str

    @property
    def sources(self) -> tuple[str, ...]:
        clean = (self.clean_source,) if self.clean_source else ()
        return (*clean, *(labels.source for labels in self.noises))

    def list_jobs(self, index: int, fold: Fold, repeat: int) -> Iterator[TrainingJob]:
        if self.clean_source:
            yield self._build_job((index, repeat), fold, self.clean_source, None)
        for place, labels in enumerate(self.noises):
            yield self._build_job((index, repeat), fold, labels.source, None)
            if self.clean_source:
                yield self._build_job((index, repeat), fold, labels.source, "reweight")
            for method in self.choice.methods[: None if place == 0 else 1]:
                yield self._build_job((index, repeat), fold, labels.source, self._build_relabelling(method))

    def _build_job(
        self, place: tuple[int, int], fold: Fold, source: str, correction: Literal["reweight"] | Relabelling | None
    ) -> TrainingJob:
        index, repeat = place
        learnt, judge = self.study.labels(source), self.study.labels(self.clean_source or source)
        train, validation = self._divide(fold)
        job = TrainingJob(
            source=source,
            network=self.preset.network.architecture,
            fold=index,
            repeat=repeat,
            seed=self.choice.seed,
            train_cases=learnt.select_labelled(train),
            validation_cases=judge.select_labelled(validation),
            test_cases=learnt.select_labelled(fold.test),
            validation_source=self.clean_source,
            keep="last",
            correction=correction,
        )
        if not (job.train_cases and job.validation_cases and job.test_cases):
            raise InputError(
                "every fold must have cases to train, to validate and to test on",
                found=f"{len(job.train_cases)}, {len(job.validation_cases)} and {len(job.test_cases)}",
                where=f"source {source!r}, fold {index}",
                hint="look at who has labelled which cases with `overread study info`",
            )
        return job

    def _divide(self, fold: Fold) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Cases to train on, and to validate on: the fold's own, or those that the user names as clean.

        Of these, those of subjects that the fold holds out are left out; all other cases are trained on.
        """
        named = self.choice.clean_cases
        if unknown := [case_id for case_id in named if case_id not in self.study.case_ids]:
            raise SettingsError("relabel_after must name cases of the study", found=", ".join(unknown))
        if not named:
            return fold.train, fold.validation
        held_out = {self.study.subject_of[case_id] for case_id in fold.test}
        validation = tuple(case_id for case_id in named if self.study.subject_of[case_id] not in held_out)
        rest = (case_id for case_id in self.study.case_ids if case_id in (*fold.train, *fold.validation))
        return tuple(case_id for case_id in rest if case_id not in validation), validation

    @property
    def _names_clean_cases(self) -> bool:
        """Whether the user says that clean labels may be looked at.

        Labels that noise was added to are clean, too, but then they are there to judge the repair by.
        """
        return bool(self.clean_source) and (bool(self.choice.clean_source) or self.choice.rule == "clean")

    def _build_relabelling(self, method: UncertaintyMethod) -> Relabelling:
        correction = self.preset.correction
        return Relabelling(
            uncertainty=correction.uncertainty.model_copy(update={"method": method}),
            members=correction.members if method == "ensemble" else 1,
            after=self.choice.rule,
            rule=settle_name(correction.rule, correction.threshold, has_clean_cases=self._names_clean_cases),
            threshold=correction.threshold,
            guards=correction.guards,
        )
