"""Making age and sex alike in all classes by leaving subjects out."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Literal

import numpy as np

from overread.questions.acquisition_bias.probe_settings import ProbeMatchingSettings
from overread.records import Result
from overread.settings import Settings

UNKNOWN = "unknown"


@dataclass(frozen=True)
class MatchedSubject:
    """One subject, with what it is matched by.

    Attributes:
        subject_id: the subject.
        label: its main class.
        age_years: None where the case table does not say.
        sex: UNKNOWN where the case table does not say.
        case_ids: its cases.
    """

    subject_id: str
    label: str
    age_years: float | None
    sex: str
    case_ids: tuple[str, ...]


class ClassProfile(Settings):
    """Age and sex of the subjects of a class.

    Attributes:
        label: the class.
        subject_count: subjects.
        case_count: their cases.
        age_mean: years, over the subjects whose age is known; None without one.
        age_std: sample standard deviation (N - 1); None for fewer than two.
        sexes: subjects of each sex.
        bands: subjects of each age band.
    """

    label: str
    subject_count: int
    case_count: int
    age_mean: float | None
    age_std: float | None
    sexes: dict[str, int]
    bands: dict[str, int]


class Matching(Result):
    """How age and sex were made alike.

    Attributes:
        outcome: matched; impossible, for too few would be left; or no-columns, for the table has neither.
        columns: what was matched by, among age and sex.
        before: the classes as they are in the study.
        after: the classes as the probe sees them.
        kept_share: subjects that matching leaves, as a share of the smallest class times the number of classes.
        dropped_cases: cases left out.
    """

    outcome: Literal["matched", "impossible", "no-columns"]
    columns: tuple[str, ...]
    before: tuple[ClassProfile, ...]
    after: tuple[ClassProfile, ...]
    kept_share: float
    dropped_cases: tuple[str, ...]


def match_subjects(
    subjects: Sequence[MatchedSubject], settings: ProbeMatchingSettings, *, fewest: int, seed: int
) -> Matching:
    """Leave out subjects until every class has as many of each age band and sex, drawn at random.

    Subjects of unknown age or sex are matched with each other. Nothing is matched where that would leave fewer than
    `fewest` subjects of a class, or less than the share `fewest_kept` of the smallest class: the probe then sees all
    subjects, and the report says so.

    Args:
        subjects: all of them.
        settings: width of the age bands, and the share that must be left.
        fewest: subjects of a class that must be left.
        seed: of the draw.
    """
    before = profile_classes(subjects, settings.band_years)
    columns = [name for name, known in (("age", any(s.age_years is not None for s in subjects)),) if known]
    columns += ["sex"] if any(subject.sex != UNKNOWN for subject in subjects) else []
    if not columns:
        return Matching(outcome="no-columns", columns=(), before=before, after=before, kept_share=1.0, dropped_cases=())
    kept = _draw_alike(subjects, settings.band_years, np.random.default_rng(seed))
    smallest = min(profile.subject_count for profile in before)
    share = len(kept) / (smallest * len(before))
    is_possible = share >= settings.fewest_kept and len(kept) // len(before) >= fewest
    left = kept if is_possible else list(subjects)
    names = {subject.subject_id for subject in left}
    return Matching(
        outcome="matched" if is_possible else "impossible",
        columns=tuple(columns),
        before=before,
        after=profile_classes(left, settings.band_years),
        kept_share=share,
        dropped_cases=tuple(c for subject in subjects if subject.subject_id not in names for c in subject.case_ids),
    )


def name_age_band(age_years: float | None, band_years: int) -> str:
    """The age band that an age lies in: `60–69` for 67 years in bands of 10."""
    if age_years is None:
        return UNKNOWN
    start = int(age_years // band_years) * band_years
    return f"{start}–{start + band_years - 1}"


def parse_age(text: str) -> float | None:
    """An age in years from a cell of the case table; None where it is empty or no number."""
    try:
        age = float(text)
    except ValueError:
        return None
    return age if isfinite(age) and age >= 0 else None


def profile_classes(subjects: Sequence[MatchedSubject], band_years: int) -> tuple[ClassProfile, ...]:
    """Age and sex of every class, in the order of their names."""
    return tuple(
        _profile(label, [subject for subject in subjects if subject.label == label], band_years)
        for label in sorted({subject.label for subject in subjects})
    )


def _profile(label: str, subjects: Sequence[MatchedSubject], band_years: int) -> ClassProfile:
    ages = [subject.age_years for subject in subjects if subject.age_years is not None]
    unknown = [None] * (len(subjects) - len(ages))
    return ClassProfile(
        label=label,
        subject_count=len(subjects),
        case_count=sum(len(subject.case_ids) for subject in subjects),
        age_mean=float(np.mean(ages)) if ages else None,
        age_std=float(np.std(ages, ddof=1)) if len(ages) > 1 else None,
        sexes=dict(sorted(Counter(subject.sex for subject in subjects).items())),
        bands=dict(Counter(name_age_band(age, band_years) for age in (*sorted(ages), *unknown))),
    )


def _draw_alike(
    subjects: Sequence[MatchedSubject], band_years: int, generator: np.random.Generator
) -> list[MatchedSubject]:
    """Of each age band and sex, as many subjects of each class as the class with fewest of them has."""
    strata: dict[tuple[str, str], dict[str, list[MatchedSubject]]] = defaultdict(lambda: defaultdict(list))
    for subject in sorted(subjects, key=lambda one: one.subject_id):
        strata[name_age_band(subject.age_years, band_years), subject.sex][subject.label].append(subject)
    labels = sorted({subject.label for subject in subjects})
    kept: list[MatchedSubject] = []
    for stratum in sorted(strata):
        own = strata[stratum]
        count = min(len(own[label]) for label in labels)
        for label in labels:
            kept += [own[label][index] for index in generator.permutation(len(own[label]))[:count]]
    return kept
