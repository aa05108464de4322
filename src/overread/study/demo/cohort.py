"""Who is scanned, where and how often."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from overread.study.demo.acquisition import SCANNERS, Scanner
from overread.study.demo.settings import DemoSettings

_SITES = {"Aurelia": ("northfield", "eastbrook"), "Borealis": ("westhaven", "eastbrook")}
_YOUNGEST, _OLDEST = 22, 66


@dataclass(frozen=True)
class Subject:
    """A synthetic patient at the first scan."""

    index: int
    subject_id: str
    age_years: int
    sex: str
    scanner: Scanner
    site: str


@dataclass(frozen=True)
class Visit:
    """One scan of a subject; number 0 is the first, number 1 the follow-up."""

    case_id: str
    subject: Subject
    number: int
    age_years: int


def sample_subjects(settings: DemoSettings, generator: np.random.Generator) -> tuple[Subject, ...]:
    """Draw the subjects in pairs, one for each manufacturer, so that age and sex are alike for both."""
    subjects = []
    for index in range(settings.subject_count):
        pair, place = divmod(index, len(SCANNERS))
        if place == 0:
            mean_age = generator.normal(41, 10)
        age = int(np.clip(round(mean_age + generator.normal(0, 3)), _YOUNGEST, _OLDEST))
        scanner = SCANNERS[place]
        site = _SITES[scanner.manufacturer][pair % 2]
        subjects.append(Subject(index, f"subject-{index + 1:02d}", age, "FFM"[pair % 3], scanner, site))
    return tuple(subjects)


def sample_visits(
    settings: DemoSettings, subjects: Sequence[Subject], generator: np.random.Generator
) -> tuple[Visit, ...]:
    """Draw who comes back for a follow-up scan, one to three years later; cases are numbered subject by subject."""
    count = settings.case_count - len(subjects)
    follow_ups = set(generator.choice(len(subjects), size=count, replace=False).tolist())
    visits: list[Visit] = []
    for subject in subjects:
        for number in range(2 if subject.index in follow_ups else 1):
            age = subject.age_years + (int(generator.integers(1, 4)) if number else 0)
            visits.append(Visit(f"demo-{len(visits) + 1:02d}", subject, number, age))
    return tuple(visits)
