"""Writing the demo study."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from overread.errors import InputError
from overread.study.cases import Case, write_cases
from overread.study.demo.cohort import Subject, Visit, sample_subjects, sample_visits
from overread.study.demo.raters import RATERS, calibrate_margin, compute_dice, draw_mask
from overread.study.demo.ratings import sample_ratings, sample_relapses, write_ratings
from overread.study.demo.scans import CHANNELS, Scan, sample_scans
from overread.study.demo.settings import DemoSettings
from overread.study.rasters import VOLUME_SUFFIX, compute_spacing_mm, write_mask, write_volume
from overread.study.schema import IntensitySettings, Provenance, SourceSettings, StudySettings
from overread.study.study import (
    CASES_FILE,
    IMAGES_FOLDER,
    LABELS_FOLDER,
    RATINGS_FILE,
    SETTINGS_FILE,
    compute_load,
)
from overread.types import MaskByCase

TRUTH = "truth"
OUTCOME = "relapse"


def write_demo_study(root: Path, *, settings: DemoSettings = DemoSettings()) -> None:
    """Write a synthetic study with two raters, hidden truth, two manufacturers and crowd ratings.

    The study appears whole or not at all; the same settings give the same bytes.

    Args:
        root: folder to create.
        settings: size and seed of the study.

    Raises:
        InputError: `root` exists.
    """
    if root.exists():
        raise InputError("a demo study needs a new folder", found=root, hint="name another folder or remove this one")
    partial = root.with_name(f".{root.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        _write_study(partial, settings)
        partial.rename(root)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def _write_study(root: Path, settings: DemoSettings) -> None:
    generator = np.random.default_rng([settings.seed, 0])
    subjects = sample_subjects(settings, generator)
    visits = sample_visits(settings, subjects, generator)
    scans = _sample_all_scans(settings, subjects, visits)
    _write_images(root, scans)
    margin_mm = calibrate_margin([s.distances for s in scans], [s.tissue for s in scans], settings.agreement_dice)
    if __import__("os").environ.get("DBG"):
        print("margin", margin_mm)
    for source, masks in _draw_sources(scans, margin_mm).items():
        _write_source(root, source, masks, scans, settings)
    _write_tables(root, subjects, visits, scans, settings)
    _build_study_settings().write_yaml(root / SETTINGS_FILE)


def _sample_all_scans(settings: DemoSettings, subjects: Sequence[Subject], visits: Sequence[Visit]) -> tuple[Scan, ...]:
    scans: list[Scan] = []
    for index, subject in enumerate(subjects):
        own = [visit for visit in visits if visit.subject == index]
        scans += sample_scans(subject, own, settings.lesion_count, [settings.seed, 1, index])
    return tuple(scans)


def _write_images(root: Path, scans: Sequence[Scan]) -> None:
    for scan in scans:
        for channel, voxels in zip(CHANNELS, scan.images, strict=True):
            write_volume(root / IMAGES_FOLDER / scan.case_id / f"{channel}{VOLUME_SUFFIX}", voxels, scan.affine)


def _draw_sources(scans: Sequence[Scan], margin_mm: float) -> dict[str, MaskByCase]:
    sources: dict[str, MaskByCase] = {
        habits.name: {s.case_id: draw_mask(s.distances[i], s.tissue, habits.margin * margin_mm) for s in scans}
        for i, habits in enumerate(RATERS)
    }
    return {**sources, TRUTH: {scan.case_id: scan.truth for scan in scans}}


def _write_source(root: Path, source: str, masks: MaskByCase, scans: Sequence[Scan], settings: DemoSettings) -> None:
    folder = root / LABELS_FOLDER
    results = {}
    for scan in scans:
        mask = masks[scan.case_id]
        write_mask(folder / source / f"{scan.case_id}{VOLUME_SUFFIX}", mask, scan.affine)
        load_ml = compute_load(mask, compute_spacing_mm(scan.affine))
        results[scan.case_id] = {
            "dice_to_truth": round(compute_dice(mask, scan.truth), 4),
            "load_ml": round(load_ml, 3),
        }
    provenance = Provenance(
        operation="synthesise", parameters=settings.model_dump(mode="json"), seed=settings.seed, cases=results
    )
    provenance.write_yaml(folder / f"{source}.provenance.yaml")


def _write_tables(
    root: Path, subjects: Sequence[Subject], visits: Sequence[Visit], scans: Sequence[Scan], settings: DemoSettings
) -> None:
    generator = np.random.default_rng([settings.seed, 2])
    loads = np.array([compute_load(s.truth, compute_spacing_mm(s.affine)) for s in scans])
    manufacturers = [subjects[visit.subject].scanner.manufacturer for visit in visits]
    relapses = sample_relapses(loads, manufacturers, settings.relapse_share, generator)
    cases = [
        Case(visit.case_id, subjects[visit.subject].subject_id, _describe(subjects[visit.subject], visit, relapse))
        for visit, relapse in zip(visits, relapses.tolist(), strict=True)
    ]
    write_cases(root / CASES_FILE, cases)
    write_ratings(root / RATINGS_FILE, sample_ratings([visit.case_id for visit in visits], relapses, generator))


def _describe(subject: Subject, visit: Visit, relapse: bool) -> dict[str, str]:
    return {
        "age": str(visit.age_years),
        "sex": subject.sex,
        "manufacturer": subject.scanner.manufacturer,
        "site": subject.site,
        "visit": "follow-up" if visit.visit else "baseline",
        OUTCOME: str(int(relapse)),
    }


def _build_study_settings() -> StudySettings:
    sources = {habits.name: SourceSettings(kind="human", description=habits.description) for habits in RATERS}
    truth = SourceSettings(kind="synthetic", description="the lesions as they were made", hidden=True)
    return StudySettings(
        name="demo",
        dimensions=3,
        modality="MR",
        channels=CHANNELS,
        target="lesion",
        intensity=IntensitySettings(recipe="z_score", nonzero_only=True),
        ratings_outcome=OUTCOME,
        sources={**sources, TRUTH: truth},
    )
