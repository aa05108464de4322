"""What a demo study holds: who is scanned, where and how often, and where the random numbers of each part come from."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from pydantic import Field

from overread.settings import Settings
from overread.study.demo.acquisition import SCANNERS, Scanner

Stage: TypeAlias = Literal["cohort", "subject", "visit", "ratings"]
_STAGES: dict[Stage, int] = {"cohort": 0, "subject": 1, "visit": 2, "ratings": 3}
_SITES = {"Aurelia": ("northfield", "eastbrook"), "Borealis": ("westhaven", "eastbrook")}
_YOUNGEST, _OLDEST = 22, 66


class DemoSettings(Settings):
    """Settings of a synthetic study: 3D, multiple-sclerosis-like lesions on FLAIR and T1, two human-like raters."""

    seed: int = Field(0, ge=0, description="the same seed gives the same bytes")
    case_count: int = Field(18, ge=4, description="number of scans")
    follow_up_share: float = Field(
        1 / 6, ge=0, le=0.5, description="share of scans that are the second scan of a subject"
    )
    agreement_dice: float = Field(
        0.73, gt=0.4, lt=0.95, description="mean Dice between the two raters that their habits are calibrated to"
    )
    lesion_count: float = Field(14.0, ge=4, description="median number of lesions per case")
    relapse_share: float = Field(0.36, gt=0, lt=1, description="share of cases with a relapse (the ratings' outcome)")

    @property
    def subject_count(self) -> int:
        """Number of synthetic subjects."""
        return self.case_count - round(self.case_count * self.follow_up_share)


def spawn_generator(seed: int, stage: Stage, *index: int) -> np.random.Generator:
    """A generator that depends on `seed`, `stage` and `index` only, so that no part's numbers move another part's."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(_STAGES[stage], *index)))


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
