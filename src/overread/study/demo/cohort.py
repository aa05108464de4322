"""Who is scanned where: the rows of the case table."""

from dataclasses import dataclass

import numpy as np

from overread.study.demo.acquisition import SCANNERS, Scanner
from overread.study.demo.settings import DemoSettings

_SITES = {"Aurelia": ("northfield", "eastbrook"), "Borealis": ("westhaven", "eastbrook")}


@dataclass(frozen=True)
class Subject:
    """A synthetic patient at the first scan."""

    subject_id: str
    age_years: int
    sex: str
    scanner: Scanner
    site: str


@dataclass(frozen=True)
class Visit:
    """One scan of a subject; visit 0 is the first."""

    case_id: str
    subject: int
    visit: int
    age_years: int


def sample_subjects(settings: DemoSettings, generator: np.random.Generator) -> tuple[Subject, ...]:
    """Draw the subjects: scanners in turn, age and sex alike for both manufacturers."""
    ages = np.clip(np.rint(generator.normal(41, 10, size=settings.subject_count)), 22, 66).astype(int)
    subjects = []
    for index, age in enumerate(ages):
        scanner = SCANNERS[index % len(SCANNERS)]
        site = _SITES[scanner.manufacturer][index // 2 % 2]
        sex = "M" if index % 6 in (2, 5) else "F"
        subjects.append(Subject(f"subject-{index + 1:02d}", int(age), sex, scanner, site))
    return tuple(subjects)


def sample_visits(
    settings: DemoSettings, subjects: tuple[Subject, ...], generator: np.random.Generator
) -> tuple[Visit, ...]:
    """Draw who comes back for a follow-up scan, one to three years later; cases are numbered subject by subject."""
    follow_ups = set(generator.choice(len(subjects), size=settings.case_count - len(subjects), replace=False).tolist())
    visits: list[Visit] = []
    for index, subject in enumerate(subjects):
        for visit in range(2 if index in follow_ups else 1):
            age = subject.age_years + (int(generator.integers(1, 4)) if visit else 0)
            visits.append(Visit(f"demo-{len(visits) + 1:02d}", index, visit, age))
    return tuple(visits)
