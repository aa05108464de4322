"""Step: which probes `acquisition-bias` trains on which cases."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from pydantic import Field

from overread.errors import InputError
from overread.questions.acquisition_bias.matching import UNKNOWN, MatchedSubject, match_subjects, parse_age
from overread.questions.acquisition_bias.presets import read_probe_preset
from overread.questions.acquisition_bias.probe_folds import (
    LabelledCase,
    check_subject_counts,
    find_main_labels,
    split_stratified_folds,
)
from overread.questions.acquisition_bias.probe_settings import FEW_FOLDS, ProbePreset
from overread.questions.acquisition_bias.steps.probe_plan import ProbePlan
from overread.runs.fingerprint import PlannedData
from overread.runs.pipeline_run import begin_pipeline_run
from overread.settings import Settings
from overread.study.cases import Case
from overread.study.study import Study

_FEWEST_FOLDS = 3


class ProbeChoice(Settings):
    """What a user chooses about the probes."""

    column: str = Field(description="column of cases.csv that the probes are to name, for example manufacturer")
    preset: str = Field("small", description="name of a preset for probes, or path of a YAML file")
    classes: tuple[str, ...] = Field((), description="values of the column to tell apart; all if none is given")
    folds: int | None = Field(
        None, ge=_FEWEST_FOLDS, description="rounds of the cross-validation; the preset's if None"
    )
    seed: int = Field(0, ge=0, description="seeds matching, folds, initialisation, packages and shuffling")


def run(
    study_folder: Path, choice: ProbeChoice, *, study_uri: str, revision: str, plan_file: Path, store: str
) -> ProbePlan:
    """Choose cases and folds, write them as JSON and open the pipeline run in MLflow.

    Raises:
        InputError: no such column, fewer than two classes, or a class with fewer subjects than there are folds.
        SettingsError: unknown preset.
    """
    plan = plan_probes(Study.open(study_folder), choice, revision=revision)
    plan.write(plan_file)
    begin_pipeline_run(plan, choice, study_uri=study_uri, store=store)
    return plan


def plan_probes(study: Study, choice: ProbeChoice, *, revision: str) -> ProbePlan:
    """Choose the cases that have a class, match age and sex, and split the subjects.

    Raises:
        InputError: see `run`.
    """
    preset = read_probe_preset(choice.preset, folder=study.root)
    if choice.folds is not None:
        preset = _set_folds(preset, choice.folds)
    labelled = select_labelled_cases(study, choice.column, choice.classes)
    fewest = preset.folds or FEW_FOLDS
    check_subject_counts(find_main_labels(labelled), fewest)
    subjects = list_subjects(study, labelled, preset)
    matching = match_subjects(subjects, preset.matching, fewest=fewest, seed=choice.seed)
    preset = _set_folds(preset, preset.choose_folds([profile.subject_count for profile in matching.after]))
    dropped, known = set(matching.dropped_cases), {case.case_id for case in labelled}
    cases = [case for case in labelled if case.case_id not in dropped]
    folds = split_stratified_folds(
        cases, folds=preset.folds, validation_folds=preset.validation_folds, seed=choice.seed
    )
    data = PlannedData.read(study, ())
    parts = {"choice": choice.model_dump(mode="json"), "preset": preset.model_dump(mode="json")}
    return ProbePlan(
        study=study.settings.name,
        target=choice.column,
        classes=tuple(sorted({case.label for case in cases})),
        preset_name=choice.preset,
        preset=preset,
        matching=matching,
        unlabelled_cases=tuple(case_id for case_id in study.case_ids if case_id not in known),
        folds=folds,
        seed=choice.seed,
        revision=revision,
        images_digest=data.images_digest,
        run_fingerprint=data.name_run(revision=revision, parts=parts),
    )


def _set_folds(preset: ProbePreset, folds: int) -> ProbePreset:
    values = preset.model_dump() | {"folds": folds, "validation_folds": min(preset.validation_folds, folds - 2)}
    return ProbePreset.parse(values, where=f"folds {folds}")


def select_labelled_cases(study: Study, column: str, classes: Sequence[str]) -> list[LabelledCase]:
    """Cases that have a value in a column, of the given classes if there are any.

    Raises:
        InputError: no such column or class, or fewer than two classes.
    """
    columns = list(dict.fromkeys(name for case in study.cases for name in case.columns))
    if column not in columns:
        raise InputError(
            "column must be one of cases.csv", found=repr(column), hint=f"there are {', '.join(columns) or 'none'}"
        )
    values = Counter(case.columns.get(column, "") for case in study.cases)
    listed = ", ".join(f"{value!r} ({count})" for value, count in sorted(values.items()) if value)
    if unknown := [name for name in classes if not name or name not in values]:
        raise InputError(f"classes must be values of {column}", found=repr(unknown[0]), hint=f"there are {listed}")
    chosen = set(classes) or set(values) - {""}
    if len(chosen) < 2:
        raise InputError(
            "a probe needs at least two classes to tell apart", found=listed or "none", where=f"column {column!r}"
        )
    return [
        LabelledCase(case.case_id, case.subject_id, case.columns[column])
        for case in study.cases
        if case.columns.get(column, "") in chosen
    ]


def list_subjects(study: Study, labelled: Sequence[LabelledCase], preset: ProbePreset) -> list[MatchedSubject]:
    """The subjects of some cases, with the first age and sex that the case table gives for them."""
    of_case = {case.case_id: case for case in study.cases}
    cases: dict[str, list[Case]] = {}
    for case in labelled:
        cases.setdefault(case.subject_id, []).append(of_case[case.case_id])
    age, sex, main = preset.matching.age_column, preset.matching.sex_column, find_main_labels(labelled)
    return [
        MatchedSubject(
            subject_id=subject,
            label=main[subject],
            age_years=next((a for case in own if (a := parse_age(case.columns.get(age, ""))) is not None), None),
            sex=next((value for case in own if (value := case.columns.get(sex, ""))), UNKNOWN),
            case_ids=tuple(case.case_id for case in own),
        )
        for subject, own in cases.items()
    ]
