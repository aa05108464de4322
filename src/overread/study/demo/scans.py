"""One case of the demo study: a scan and what is known about it."""

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
from overread.study.demo.cohort import Subject, Visit
from overread.study.demo.lesions import (
    Lesion,
    compute_truth_distance,
    render_brightness,
    sample_lesions,
    sample_lookalikes,
    sample_raggedness,
)
from overread.study.demo.raters import RATERS, apply_reading, sample_reading
from overread.study.demo.shapes import Field
from overread.types import Affine, Mask

CHANNELS = ("flair", "t1")


@dataclass(frozen=True)
class Scan:
    """A scan with its lesions.

    Attributes:
        case_id: name of the case.
        images: per channel of `CHANNELS`, (X, Y, Z) int16.
        affine: (4, 4) voxel to millimetre.
        truth: (X, Y, Z), True within a genuine lesion.
        tissue: (X, Y, Z), True in brain tissue; masks stay within it.
        distances: per rater, signed distance in mm to the contours drawn with margin 0.
    """

    case_id: str
    images: tuple[Voxels, ...]
    affine: Affine
    truth: Mask
    tissue: Mask
    distances: tuple[Field, Field]


def sample_scans(
    subject: Subject, visits: Sequence[Visit], lesion_count: float, seeds: Sequence[int]
) -> Iterator[Scan]:
    """Build the head of a subject once and scan it at each visit; lesions grow and new ones appear in between.

    Args:
        subject: who is scanned.
        visits: the subject's visits in order.
        lesion_count: median number of lesions at the first visit.
        seeds: what all random numbers of this subject come from.
    """
    generator = np.random.default_rng(seeds)
    anatomy = build_anatomy(sample_physique(subject.age_years, generator))
    count = int(np.clip(np.rint(lesion_count * np.exp(generator.normal(0, 0.4))), 8, 60))
    lesions = sample_lesions(anatomy, count, generator)
    raggedness = sample_raggedness(generator)
    for visit in visits:
        if visit.visit:
            lesions += sample_lesions(anatomy, 3, generator)
        scene = lesions + sample_lookalikes(anatomy, 4, generator)
        yield _scan(visit.case_id, subject, anatomy, scene, raggedness, generator)


def _scan(
    case_id: str,
    subject: Subject,
    anatomy: Anatomy,
    lesions: tuple[Lesion, ...],
    raggedness: Field,
    generator: np.random.Generator,
) -> Scan:
    scanner, pose = subject.scanner, sample_pose(generator)
    brightness = render_brightness(lesions, raggedness)
    brain = resample(anatomy.brain, scanner, pose)
    tissue = (resample(anatomy.white + anatomy.grey, scanner, pose) > 0.5) & (brain > 0.5)
    images = tuple(
        acquire(compute_signal(contrast, anatomy, brightness), brain, scanner, pose, generator)
        for contrast in (FLAIR, T1)
    )
    readings = [(habits, sample_reading(habits, lesions, generator)) for habits in RATERS]
    first, second = (
        resample(apply_reading(habits, reading, lesions, raggedness), scanner, pose) for habits, reading in readings
    )
    truth = resample(compute_truth_distance(lesions, raggedness), scanner, pose) > 0
    return Scan(case_id, images, build_affine(scanner), truth & tissue, tissue, (first, second))
