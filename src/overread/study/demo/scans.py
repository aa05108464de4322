"""Scans of a subject, with the lesions in them and the contours around them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from overread.study.demo.acquisition import (
    FLAIR,
    T1,
    Voxels,
    acquire,
    build_affine,
    compute_signal,
    resample,
    sample_pose,
)
from overread.study.demo.anatomy import Anatomy, build_anatomy, sample_physique
from overread.study.demo.cohort import DemoSettings, Subject, Visit, spawn_generator
from overread.study.demo.fields import Field
from overread.study.demo.lesions import (
    Lesion,
    merge_distances,
    render_brightness,
    sample_lesions,
    sample_lookalikes,
    sample_raggedness,
)
from overread.study.demo.raters import RATERS, apply_reading, sample_reading
from overread.types import Affine, Mask

CHANNELS = ("flair", "t1")
_COUNT_LOG_STD = 0.4
_FEWEST, _MOST = 8, 60
_NEW_PER_FOLLOW_UP = 3
_LOOKALIKES = 4


@dataclass(frozen=True)
class Scan:
    """A scan with its lesions.

    Attributes:
        case_id: name of the case.
        images: per channel of `CHANNELS`, (X, Y, Z) int16.
        affine: (4, 4) voxel to millimetre.
        truth: (X, Y, Z), True within a genuine lesion.
        tissue: (X, Y, Z), True in brain tissue; masks stay within it.
        distances: per rater, signed distance in mm (X, Y, Z) to the contours drawn with margin 0.
    """

    case_id: str
    images: tuple[Voxels, ...]
    affine: Affine
    truth: Mask
    tissue: Mask
    distances: tuple[Field, Field]


@dataclass(frozen=True)
class _Patient:
    """What stays the same from visit to visit."""

    subject: Subject
    anatomy: Anatomy
    raggedness: Field


def sample_scans(settings: DemoSettings, subject: Subject, visits: Sequence[Visit]) -> Iterator[Scan]:
    """Build the head of a subject once and scan it at each of its visits; new lesions appear in between."""
    generator = spawn_generator(settings.seed, "subject", subject.index)
    anatomy = build_anatomy(sample_physique(subject.age_years, generator))
    patient = _Patient(subject, anatomy, sample_raggedness(generator))
    lesions = sample_lesions(anatomy, _sample_count(settings.lesion_count, generator), generator)
    for visit in visits:
        generator = spawn_generator(settings.seed, "visit", subject.index, visit.number)
        if visit.number:
            lesions += sample_lesions(anatomy, _NEW_PER_FOLLOW_UP, generator)
        scene = lesions + sample_lookalikes(anatomy, _LOOKALIKES, generator)
        yield _scan(visit.case_id, patient, scene, generator)


def _sample_count(median: float, generator: np.random.Generator) -> int:
    return int(np.clip(np.rint(median * np.exp(generator.normal(0, _COUNT_LOG_STD))), _FEWEST, _MOST))


def _scan(case_id: str, patient: _Patient, lesions: tuple[Lesion, ...], generator: np.random.Generator) -> Scan:
    scanner, anatomy, raggedness = patient.subject.scanner, patient.anatomy, patient.raggedness
    pose = sample_pose(generator)
    brain = resample(anatomy.brain, scanner, pose)
    tissue = (resample(anatomy.white + anatomy.grey, scanner, pose) > 0.5) & (brain > 0.5)
    brightness = render_brightness(lesions, raggedness)
    flair, t1 = (
        acquire(compute_signal(contrast, anatomy, brightness), brain, scanner, pose, generator)
        for contrast in (FLAIR, T1)
    )
    first, second = (
        resample(apply_reading(habits, sample_reading(habits, lesions, generator), lesions, raggedness), scanner, pose)
        for habits in RATERS
    )
    borders = merge_distances(lesions, raggedness, [0.0 if lesion.genuine else None for lesion in lesions])
    truth = (resample(borders, scanner, pose) > 0) & tissue
    return Scan(case_id, (flair, t1), build_affine(scanner), truth, tissue, (first, second))
