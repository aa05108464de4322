"""Writing the demo study."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from overread.errors import InputError
from overread.study.cases import Case, write_cases
from overread.study.demo.cohort import DemoSettings, Visit, sample_subjects, sample_visits, spawn_generator
from overread.study.demo.fields import Field
from overread.study.demo.raters import RATERS, draw_mask
from overread.study.demo.ratings import sample_ratings, sample_relapses, write_ratings
from overread.study.demo.scans import CHANNELS, Scan, sample_scans
from overread.study.output_folder import create_folder
from overread.study.rasters import VOLUME_SUFFIX, compute_spacing_mm, write_mask, write_volume
from overread.study.schema import IntensitySettings, Provenance, SourceSettings, StudySettings
from overread.study.study import CASES_FILE, IMAGES_FOLDER, LABELS_FOLDER, RATINGS_FILE, SETTINGS_FILE, compute_load
from overread.types import Mask, MaskByCase

_WIDEST_MM = 3.0
_HALVINGS = 12
_TOLERANCE = 0.02


def compute_dice(first: Mask, second: Mask) -> float:
    """Dice coefficient of two masks, 1.0 where both are empty."""
    total = np.count_nonzero(first) + np.count_nonzero(second)
    return 2 * np.count_nonzero(first & second) / total if total else 1.0


def calibrate_margin(distances: Sequence[tuple[Field, Field]], tissues: Sequence[Mask], target_dice: float) -> float:
    """Margin in mm at which the mean Dice between both raters is nearest to `target_dice`, by bisection.

    Args:
        distances: per case, signed distances in mm (X, Y, Z) to the contours of both `RATERS` drawn with margin 0.
        tissues: per case, (X, Y, Z), where a mask may lie.
        target_dice: the wanted mean over cases.

    Raises:
        InputError: no margin gives that Dice: raters who waver and overlook other lesions agree at most so well.
    """

    def compute_agreement(margin_mm: float) -> float:
        pairs = zip(distances, tissues, strict=True)
        return float(np.mean([compute_dice(*_draw_both(pair, tissue, margin_mm)) for pair, tissue in pairs]))

    low, high = 0.0, _WIDEST_MM
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if compute_agreement(middle) > target_dice else (low, middle)
    reached = compute_agreement(high)
    if abs(reached - target_dice) > _TOLERANCE:
        raise InputError(
            "agreement_dice must be within the raters' reach", found=target_dice, hint=f"try {reached:.2f}"
        )
    return high


def _draw_both(distances: tuple[Field, Field], tissue: Mask, margin_mm: float) -> tuple[Mask, Mask]:
    first, second = (
        draw_mask(distance, tissue, habits.margin * margin_mm)
        for habits, distance in zip(RATERS, distances, strict=True)
    )
    return first, second


TRUTH = "truth"
OUTCOME = "relapse"
_DEFAULTS = DemoSettings()


def write_demo_study(root: Path, *, settings: DemoSettings = _DEFAULTS) -> None:
    """Write a synthetic study: two raters, hidden truth, two manufacturers and crowd ratings.

    The study appears whole or not at all; the same settings give the same bytes.

    Args:
        root: folder to create.
        settings: seed and size of the study.

    Raises:
        InputError: `root` holds something already.
        StorageError: the disk is full or `root` may not be written.
    """
    with create_folder(root) as partial:
        _write_study(partial, settings)


def _write_study(root: Path, settings: DemoSettings) -> None:
    generator = spawn_generator(settings.seed, "cohort")
    subjects = sample_subjects(settings, generator)
    visits = sample_visits(settings, subjects, generator)
    scans = [
        scan
        for subject in subjects
        for scan in sample_scans(settings, subject, [visit for visit in visits if visit.subject == subject])
    ]
    for scan in scans:
        for channel, voxels in zip(CHANNELS, scan.images, strict=True):
            write_volume(root / IMAGES_FOLDER / scan.case_id / f"{channel}{VOLUME_SUFFIX}", voxels, scan.affine)
    _write_sources(root, scans, settings)
    _write_tables(root, visits, scans, settings)
    _build_study_settings().write_yaml(root / SETTINGS_FILE)


def _write_sources(root: Path, scans: Sequence[Scan], settings: DemoSettings) -> None:
    margin_mm = calibrate_margin([s.distances for s in scans], [s.tissue for s in scans], settings.agreement_dice)
    parameters = settings.model_dump(mode="json")
    for rater, habits in enumerate(RATERS):
        own_mm = habits.margin * margin_mm
        masks = {scan.case_id: draw_mask(scan.distances[rater], scan.tissue, own_mm) for scan in scans}
        _write_source(root, habits.name, masks, scans, {**parameters, "margin_mm": round(own_mm, 4)})
    _write_source(root, TRUTH, {scan.case_id: scan.truth for scan in scans}, scans, parameters)


def _write_source(
    root: Path, source: str, masks: MaskByCase, scans: Sequence[Scan], parameters: dict[str, Any]
) -> None:
    folder = root / LABELS_FOLDER
    results = {}
    for scan in scans:
        mask = masks[scan.case_id]
        write_mask(folder / source / f"{scan.case_id}{VOLUME_SUFFIX}", mask, scan.affine)
        load_ml = compute_load(mask, compute_spacing_mm(scan.affine))
        dice = compute_dice(mask, scan.truth)
        results[scan.case_id] = {"dice_to_truth": round(dice, 4), "load_ml": round(load_ml, 3)}
    provenance = Provenance(operation="synthesise", parameters=parameters, seed=parameters["seed"], cases=results)
    provenance.write_yaml(folder / f"{source}.provenance.yaml")


def _write_tables(root: Path, visits: Sequence[Visit], scans: Sequence[Scan], settings: DemoSettings) -> None:
    generator = spawn_generator(settings.seed, "ratings")
    loads_ml = np.array([compute_load(scan.truth, compute_spacing_mm(scan.affine)) for scan in scans])
    manufacturers = [visit.subject.scanner.manufacturer for visit in visits]
    relapses = sample_relapses(loads_ml, manufacturers, settings.relapse_share, generator)
    write_cases(root / CASES_FILE, [_to_case(v, relapse) for v, relapse in zip(visits, relapses.tolist(), strict=True)])
    write_ratings(root / RATINGS_FILE, sample_ratings([visit.case_id for visit in visits], relapses, generator))


def _to_case(visit: Visit, relapse: bool) -> Case:
    subject = visit.subject
    columns = {
        "age": str(visit.age_years),
        "sex": subject.sex,
        "manufacturer": subject.scanner.manufacturer,
        "site": subject.site,
        "visit": "follow-up" if visit.number else "baseline",
        OUTCOME: str(int(relapse)),
    }
    return Case(visit.case_id, subject.subject_id, columns)


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
