"""Demo studies of 2D images: skin and organ."""

from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from overread.errors import InputError, SettingsError
from overread.labels.perturbation import apply_perturbation, restore_perturbation
from overread.labels.settings import PerturbationSettings
from overread.study.check import check_study
from overread.study.demo import KINDS, write_demo_of_kind
from overread.study.demo.planar import ORGAN, SKIN
from overread.study.demo.planar.look import Look
from overread.study.demo.planar.picture import Picture, sample_picture
from overread.study.demo.planar.raters import RATERS, Rater, compute_border_distance, draw_outline
from overread.study.schema import Provenance
from overread.study.study import Study
from overread.types import Mask

TINY = {"train-cases": 3, "validation-cases": 1, "test-cases": 2}
LOOKS = {look.name: look for look in (SKIN, ORGAN)}


def sample_pictures(look: Look, count: int = 60, size: int = 64) -> list[Picture]:
    return [sample_picture(look, size, np.random.default_rng([seed, 3])) for seed in range(count)]


@pytest.fixture(scope="module")
def pictures() -> dict[str, list[Picture]]:
    return {name: sample_pictures(look) for name, look in LOOKS.items()}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Study:
    root = tmp_path_factory.mktemp("planar") / "study"
    write_demo_of_kind(root, "skin", TINY)
    return Study.open(root)


def compute_dice(first: Mask, second: Mask) -> float:
    return 2 * np.count_nonzero(first & second) / (np.count_nonzero(first) + np.count_nonzero(second))


def read_contents(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.mark.parametrize(("name", "share"), [("skin", 0.158), ("organ", 0.056)])
def test_objects_fill_the_share_of_the_image_that_the_label_noise_study_needs(pictures, name, share):
    """Areas of 60 objects vary by half their mean, so that the mean is known to about 7 %."""
    assert np.mean([picture.truth.mean() for picture in pictures[name]]) == pytest.approx(share, rel=0.14)


@pytest.mark.parametrize(
    ("vertices", "smooth", "dice"), [(3, False, 0.61), (3, True, 0.89), (7, False, 0.92), (7, True, 0.953)]
)
def test_polygons_of_skin_lesions_agree_with_them_as_calibrated(pictures, vertices, smooth, dice):
    settings = PerturbationSettings(mode="polygon", vertices=vertices, smooth=smooth)
    reached = [
        compute_dice(picture.truth, apply_perturbation(picture.truth, restore_perturbation(settings, seed), (1.0, 1.0)))
        for seed, picture in enumerate(pictures["skin"])
    ]
    assert np.mean(reached) == pytest.approx(dice, abs=3 * np.std(reached) / np.sqrt(len(reached)))


@pytest.mark.parametrize("name", LOOKS)
def test_each_mask_is_one_piece_and_the_truth_has_no_hole(pictures, name):
    for seed, picture in enumerate(pictures[name]):
        drawn = [draw_outline(rater, picture.truth, np.random.default_rng(seed)) for rater in RATERS]
        assert [ndimage.label(mask)[1] for mask in (picture.truth, *drawn)] == [1, 1, 1]
        np.testing.assert_array_equal(ndimage.binary_fill_holes(picture.truth), picture.truth)


@pytest.mark.parametrize("rater", RATERS, ids=lambda rater: rater.name)
@pytest.mark.parametrize("size", [64, 128])
def test_a_rater_draws_the_border_off_by_the_margin_which_grows_with_the_image(rater: Rater, size: int):
    """Outermost pixels lie between 0 and 1 px inside the border that they stand for, 0.5 px on average."""
    off = []
    for seed, picture in enumerate(sample_pictures(SKIN, count=15, size=size)):
        mask = draw_outline(rater, picture.truth, np.random.default_rng(seed))
        outermost = mask & ~ndimage.binary_erosion(mask, border_value=1)
        off.append(-compute_border_distance(picture.truth)[outermost].mean() + 0.5)
    assert np.mean(off) == pytest.approx(rater.margin * size / 64, abs=0.3)


def test_a_larger_image_shows_the_same_object():
    for small, large in zip(sample_pictures(SKIN, count=8), sample_pictures(SKIN, count=8, size=128), strict=True):
        shrunk = large.truth.reshape(64, 2, 64, 2).mean(axis=(1, 3)) >= 0.5
        assert compute_dice(shrunk, small.truth) > 0.97


def test_objects_are_dark_and_organs_stand_out_more_than_skin_lesions(pictures):
    def measure_depth(picture: Picture) -> float:
        distance = compute_border_distance(picture.truth)
        return picture.image[distance < -4].mean() - picture.image[distance > 2].mean()

    skin, organ = ([measure_depth(picture) for picture in pictures[name]] for name in ("skin", "organ"))
    assert np.mean(np.array(skin) > 0) > 0.9
    assert min(organ) > 20
    assert np.mean(organ) > 1.3 * np.mean(skin)


def test_grey_values_are_hardly_clipped(pictures):
    values = np.concatenate([picture.image.ravel() for picture in pictures["skin"]])
    assert values.dtype == np.uint8
    assert np.mean((values == 0) | (values == 255)) < 0.005


def test_equal_seeds_give_equal_bytes(tiny: Study, tmp_path: Path):
    write_demo_of_kind(tmp_path / "again", "skin", {**TINY, "seed": 0})
    assert read_contents(tmp_path / "again") == read_contents(tiny.root)


def test_another_seed_gives_other_images_and_masks(tiny: Study, tmp_path: Path):
    write_demo_of_kind(tmp_path / "other", "skin", {**TINY, "seed": 1})
    first, second = read_contents(tiny.root), read_contents(tmp_path / "other")
    assert first.keys() == second.keys()
    assert [name for name in first if name.endswith(".png") and first[name] == second[name]] == []


def test_the_images_of_a_split_do_not_depend_on_how_many_there_are(tiny: Study, tmp_path: Path):
    write_demo_of_kind(tmp_path / "fewer", "skin", {**TINY, "train-cases": 2})
    fewer = Study.open(tmp_path / "fewer")
    kept = [case_id for case_id in tiny.case_ids if case_id != "skin-3"]
    for old, new in zip(kept, fewer.case_ids, strict=True):
        np.testing.assert_array_equal(tiny.read_image(old), fewer.read_image(new))
        np.testing.assert_array_equal(tiny.labels("rater1").read(old), fewer.labels("rater1").read(new))


def test_the_study_has_a_split_two_humans_and_a_hidden_truth(tiny: Study):
    check_study(tiny.root)
    assert [case.split for case in tiny.cases] == ["train"] * 3 + ["validation"] + ["test"] * 2
    assert len(set(tiny.subject_of.values())) == 6
    assert tiny.select_sources() == ("rater1", "rater2")
    assert tiny.settings.sources["truth"].hidden
    assert all(tiny.labelled_case_ids(source) == tiny.case_ids for source in tiny.settings.sources)


def test_provenance_holds_the_options_and_the_dice_of_every_case(tiny: Study):
    provenance = Provenance.read_yaml(tiny.provenance_path("rater2"))
    assert provenance.parameters == {
        "kind": "skin",
        "seed": 0,
        "size": 64,
        **{k.replace("-", "_"): v for k, v in TINY.items()},
    }
    for case_id in tiny.case_ids:
        dice = compute_dice(tiny.labels("rater2").read(case_id), tiny.labels("truth").read(case_id))
        assert provenance.cases[case_id] == {"dice_to_truth": round(dice, 4)}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_refuses_an_option_of_another_and_says_whose_it_is(tmp_path: Path, kind: str):
    option, takers = ("size", "skin and organ") if kind == "lesions" else ("cases", "lesions")
    with pytest.raises(SettingsError, match=f"kind {kind} takes .* only, got --{option}.*--{option} is for {takers}"):
        write_demo_of_kind(tmp_path / "study", kind, {option: 64})
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_kind_names_the_known_ones(tmp_path: Path):
    with pytest.raises(SettingsError, match=r"'heart'.*lesions, skin, organ"):
        write_demo_of_kind(tmp_path / "study", "heart", {})


@pytest.mark.parametrize("options", [{"size": 31}, {"train-cases": 1}, {"test-cases": 0}, {"seed": -1}])
def test_an_option_out_of_range_is_refused(tmp_path: Path, options: dict[str, int]):
    with pytest.raises(SettingsError, match=next(iter(options)).replace("-", "_")):
        write_demo_of_kind(tmp_path / "study", "organ", options)


def test_an_existing_study_is_left_alone(tiny: Study):
    before = read_contents(tiny.root)
    with pytest.raises(InputError, match="must be new or empty"):
        write_demo_of_kind(tiny.root, "skin", TINY)
    assert read_contents(tiny.root) == before
