"""Step: which probes `acquisition-bias` trains on which cases."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from pydantic import Field

from overread.errors import InputError
from overread.evaluation.matching import UNKNOWN, MatchedSubject, Matching, match_subjects, parse_age
from overread.presets.probes import read_probe_preset
from overread.settings import Settings
from overread.study.cases import Case
from overread.study.digest import compute_images_digest
from overread.study.study import Study
from overread.training.probe_folds import (
    LabelledCase,
    ProbeFold,
    check_subject_counts,
    find_main_labels,
    shuffle_labels,
    split_stratified_folds,
)
from overread.training.probe_settings import SHUFFLED, ProbePreset

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


class ProbePlan(Settings):
    """What the probes are asked, and on which cases.

    Attributes:
        study: name of the study.
        target: column that they name.
        classes: the classes, sorted.
        preset_name: name of the preset.
        preset: its settings, with the folds that were chosen.
        matching: how age and sex were made alike.
        unlabelled_cases: cases left out, for they have no class, or one that was not asked for.
        folds: rounds with the true classes.
        shuffled_folds: rounds with shuffled classes.
        seed: seeds everything.
        revision: commit of the study.
        images_digest: SHA-256 over images and case table.
    """

    study: str
    target: str
    classes: tuple[str, ...]
    preset_name: str
    preset: ProbePreset
    matching: Matching
    unlabelled_cases: tuple[str, ...]
    folds: tuple[ProbeFold, ...]
    shuffled_folds: tuple[ProbeFold, ...]
    seed: int
    revision: str
    images_digest: str

    @classmethod
    def read(cls, path: Path) -> "ProbePlan":
        """Read a plan that `run` wrote."""
        return cls.model_validate_json(path.read_text(encoding="utf-8"))

    @property
    def case_ids(self) -> tuple[str, ...]:
        """All cases of the probes, sorted."""
        return tuple(sorted(case.case_id for fold in self.folds for case in fold.test))

    def find_folds(self, variant: str) -> tuple[ProbeFold, ...]:
        """The rounds of a variant."""
        return self.shuffled_folds if variant == SHUFFLED else self.folds


def run(study_folder: Path, choice: ProbeChoice, *, revision: str, plan_file: Path) -> ProbePlan:
    """Choose cases and folds, and write them as JSON.

    Raises:
        InputError: no such column, fewer than two classes, or a class with fewer subjects than there are folds.
        SettingsError: unknown preset.
    """
    made = plan_probes(Study.open(study_folder), choice, revision=revision)
    plan_file.parent.mkdir(parents=True, exist_ok=True)
    plan_file.write_text(made.model_dump_json(indent=1), encoding="utf-8")
    return made


def plan_probes(study: Study, choice: ProbeChoice, *, revision: str) -> ProbePlan:
    """Choose the cases that have a class, match age and sex, and split the subjects.

    Raises:
        InputError: see `run`.
    """
    preset = read_probe_preset(choice.preset)
    if choice.folds is not None:
        values = preset.model_dump() | {"folds": choice.folds}
        values["validation_folds"] = min(preset.validation_folds, choice.folds - 2)
        preset = ProbePreset.parse(values, where=f"folds {choice.folds}")
    labelled = select_labelled_cases(study, choice.column, choice.classes)
    check_subject_counts(find_main_labels(labelled), preset.folds)
    subjects = list_subjects(study, labelled, preset)
    matching = match_subjects(subjects, preset.matching, fewest=preset.folds, seed=choice.seed)
    dropped, known = set(matching.dropped_cases), {case.case_id for case in labelled}
    cases = [case for case in labelled if case.case_id not in dropped]
    folds, shuffled = (
        split_stratified_folds(each, folds=preset.folds, validation_folds=preset.validation_folds, seed=choice.seed)
        for each in (cases, shuffle_labels(cases, seed=choice.seed))
    )
    return ProbePlan(
        study=study.settings.name,
        target=choice.column,
        classes=tuple(sorted({case.label for case in cases})),
        preset_name=choice.preset,
        preset=preset,
        matching=matching,
        unlabelled_cases=tuple(case_id for case_id in study.case_ids if case_id not in known),
        folds=folds,
        shuffled_folds=shuffled,
        seed=choice.seed,
        revision=revision,
        images_digest=compute_images_digest(study),
    )


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
