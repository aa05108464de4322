"""Writing a demo study of 2D images."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import Field

from overread.settings import Settings
from overread.study.cases import SPLITS, Case, write_cases
from overread.study.demo.planar.look import Look
from overread.study.demo.planar.picture import Picture, sample_picture
from overread.study.demo.planar.raters import RATERS, draw_outline
from overread.study.output_folder import create_folder
from overread.study.rasters import IMAGE_SUFFIX, write_image, write_mask
from overread.study.schema import Provenance, SourceSettings, StudySettings
from overread.study.study import CASES_FILE, IMAGES_FOLDER, LABELS_FOLDER, SETTINGS_FILE
from overread.types import Mask

CHANNEL = "grey"
TRUTH = "truth"
_PICTURE, _RATER = 0, 1


class PlanarSettings(Settings):
    """Settings of a synthetic study of 2D images: one object each, a hidden truth, two raters, a fixed split."""

    seed: int = Field(0, ge=0, description="the same seed gives the same bytes")
    size: int = Field(64, ge=32, le=1024, description="side of the images, px")
    train_cases: int = Field(300, ge=2, description="number of images to train on")
    validation_cases: int = Field(40, ge=1, description="number of images to validate on")
    test_cases: int = Field(80, ge=1, description="number of images to test on")

    @property
    def case_counts(self) -> tuple[int, ...]:
        """Cases of each of `SPLITS`."""
        return (self.train_cases, self.validation_cases, self.test_cases)


@dataclass(frozen=True)
class _Place:
    """Which case: its names, and what its random numbers hang on, whatever the number of other cases."""

    case_id: str
    subject_id: str
    split: int
    index: int


def write_planar_study(root: Path, look: Look, *, settings: PlanarSettings) -> None:
    """Write a synthetic study of 2D images: two raters and a hidden truth.

    The study appears whole or not at all; the same settings give the same bytes, and the images of a split do not
    depend on how many there are.

    Args:
        root: folder to create.
        look: what the objects look like.
        settings: seed, size of the images and number of cases.

    Raises:
        InputError: `root` holds something already.
        StorageError: the disk is full or `root` may not be written.
    """
    with create_folder(root) as partial:
        places = tuple(_list_places(look, settings))
        dice: dict[str, dict[str, float]] = {source: {} for source in _list_sources(look)}
        for place in places:
            picture = sample_picture(look, settings.size, _spawn_generator(settings, _PICTURE, place))
            write_image(partial / IMAGES_FOLDER / place.case_id / f"{CHANNEL}{IMAGE_SUFFIX}", picture.image)
            for source, mask in _draw_masks(picture, settings, place).items():
                write_mask(partial / LABELS_FOLDER / source / f"{place.case_id}{IMAGE_SUFFIX}", mask, None)
                dice[source][place.case_id] = _compute_dice(mask, picture.truth)
        for source, own in dice.items():
            _build_provenance(look, settings, own).write_yaml(partial / LABELS_FOLDER / f"{source}.provenance.yaml")
        write_cases(partial / CASES_FILE, [Case(p.case_id, p.subject_id, {"split": SPLITS[p.split]}) for p in places])
        _build_study_settings(look).write_yaml(partial / SETTINGS_FILE)


def _list_places(look: Look, settings: PlanarSettings) -> Iterator[_Place]:
    digits = len(str(sum(settings.case_counts)))
    number = 0
    for split, count in enumerate(settings.case_counts):
        for index in range(count):
            number += 1
            yield _Place(f"{look.name}-{number:0{digits}}", f"subject-{number:0{digits}}", split, index)


def _draw_masks(picture: Picture, settings: PlanarSettings, place: _Place) -> dict[str, Mask]:
    drawn = {
        rater.name: draw_outline(rater, picture.truth, _spawn_generator(settings, _RATER + number, place))
        for number, rater in enumerate(RATERS)
    }
    return {**drawn, TRUTH: picture.truth}


def _spawn_generator(settings: PlanarSettings, part: int, place: _Place) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(settings.seed, spawn_key=(place.split, place.index, part)))


def _compute_dice(first: Mask, second: Mask) -> float:
    return 2 * np.count_nonzero(first & second) / (np.count_nonzero(first) + np.count_nonzero(second))


def _build_provenance(look: Look, settings: PlanarSettings, dice: dict[str, float]) -> Provenance:
    parameters = {"kind": look.name, **settings.model_dump(mode="json")}
    cases = {case_id: {"dice_to_truth": round(value, 4)} for case_id, value in dice.items()}
    return Provenance(operation="synthesise", parameters=parameters, seed=settings.seed, cases=cases)


def _list_sources(look: Look) -> dict[str, SourceSettings]:
    humans = {rater.name: SourceSettings(kind="human", description=rater.description) for rater in RATERS}
    truth = SourceSettings(kind="synthetic", description=f"the {look.target} as it was made", hidden=True)
    return {**humans, TRUTH: truth}


def _build_study_settings(look: Look) -> StudySettings:
    return StudySettings(
        name=f"demo-{look.name}",
        dimensions=2,
        modality=look.modality,
        channels=(CHANNEL,),
        target=look.target,
        sources=_list_sources(look),
    )
