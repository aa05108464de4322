"""Perturbed copies of a source whose errors are polygons, and the command that makes them."""

from pathlib import Path

import numpy as np
import pytest

from overread.errors import InputError, SettingsError
from overread.evaluation.overlap import compute_dice
from overread.labels.perturbation import calibrate_strength
from overread.labels.settings import parse_variant
from overread.labels.source_cases import SourceCases
from overread.labels.variants import Variant, make_variant, replay_case
from overread.runs import perturb_labels
from overread.runs.label_variants import describe_fixed
from overread.study.rasters import write_mask
from overread.study.schema import Provenance
from overread.study.study import Study
from tests.command_line import Done, run_overread
from tests.studies import write_cubes, write_squares

NAMES = ["polygon-3", "polygon-7-smooth-seed2"]


@pytest.fixture(scope="module")
def cubes(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """Small volumes of ann and ben; only to be read."""
    return write_cubes(tmp_path_factory.mktemp("cubes"))


@pytest.fixture
def squares(tmp_path: Path) -> Study:
    """Six images of ann and ben, the last of ann empty."""
    study = write_squares(tmp_path / "squares", case_count=6)
    path = study.labels("ann").path("case05")
    write_mask(path, np.zeros(study.labels("ann").read("case05").shape, np.bool_), None)
    return study


def make(study: Study, name: str) -> Variant:
    return make_variant(study, "ann", parse_variant(name))


@pytest.mark.parametrize("name", NAMES)
def test_provenance_says_what_the_masks_are(squares: Study, name: str) -> None:
    made = make(squares, name)
    masks = {case_id: mask for case_id, mask, _ in made.iterate_masks()}
    dice = {case_id: compute_dice(squares.labels("ann").read(case_id), mask) for case_id, mask in masks.items()}
    assert {key: case["dice"] for key, case in made.provenance.cases.items()} == pytest.approx(dice, abs=1e-6)
    assert dice.pop("case05") == 1.0
    assert made.provenance.seed == made.variant.seed
    assert made.provenance.parameters == {
        "mode": "polygon",
        "vertices": made.variant.vertices,
        "smooth": made.variant.smooth,
        "mean_dice": pytest.approx(np.mean(list(dice.values())), abs=1e-6),
        "lowest_dice": pytest.approx(min(dice.values()), abs=1e-6),
        "highest_dice": pytest.approx(max(dice.values()), abs=1e-6),
        "filled_case_count": 5,
    }


@pytest.mark.parametrize("name", NAMES)
def test_a_case_can_be_made_again_from_the_provenance_file(cubes: Study, name: str, tmp_path: Path) -> None:
    made = make(cubes, name)
    made.provenance.write_yaml(tmp_path / "provenance.yaml")
    read = Provenance.read_yaml(tmp_path / "provenance.yaml")
    assert read == made.provenance
    for case_id, mask, _ in made.iterate_masks():
        assert np.array_equal(replay_case(cubes, read, "ann", case_id), mask)
        assert not np.array_equal(cubes.labels("ann").read(case_id), mask)


def test_polygons_of_one_seed_share_their_starts(squares: Study) -> None:
    def seeds(name: str) -> list[int]:
        return [case["seed"] for case in make(squares, name).provenance.cases.values()]

    assert seeds("polygon-3") == seeds("polygon-7-smooth")
    assert not set(seeds("polygon-3")) & set(seeds("polygon-3-seed1"))


def test_fewer_vertices_leave_a_lower_dice(squares: Study) -> None:
    triangles, heptagons = (
        make(squares, name).provenance.parameters["mean_dice"] for name in ("polygon-3", "polygon-7")
    )
    assert triangles < heptagons - 0.1


def test_masks_without_foreground_are_refused(tmp_path: Path) -> None:
    study = write_squares(tmp_path / "squares", case_count=1)
    path = study.labels("ann").path("case00")
    write_mask(path, np.zeros(study.labels("ann").read("case00").shape, np.bool_), None)
    with pytest.raises(InputError, match=r"mask with foreground.*variant polygon-3 of source 'ann'"):
        make(study, "polygon-3")


def test_polygons_have_no_strength_to_calibrate(squares: Study) -> None:
    with pytest.raises(SettingsError, match=r"strength.*variant polygon-3 of source 'ann'.*from their vertices"):
        calibrate_strength(SourceCases(squares, "ann"), parse_variant("polygon-3"), source="ann")


def test_the_step_adds_a_source_once(squares: Study) -> None:
    variant = parse_variant("polygon-7-smooth")
    text = perturb_labels.run(squares.root, variant, source="ann")
    assert text.startswith("ann-polygon-7-smooth: mean Dice 0.")
    assert Study.open(squares.root).settings.sources["ann-polygon-7-smooth"].kind == "perturbed"
    assert "holds it already" in perturb_labels.run(squares.root, variant, source="ann")


def test_label_noise_takes_them_with_the_dice_that_they_leave(squares: Study) -> None:
    made = make(squares, "polygon-3")
    described = describe_fixed(made.variant, made.provenance, "44" * 32)
    assert (described.name, described.series, described.mode) == ("polygon-3", "polygon", "polygon")
    assert described.achieved_dice == made.provenance.parameters["mean_dice"]
    assert (described.target_dice, described.strength, described.strength_unit) == (None, None, None)


def run_command(study: Study, *options: str) -> Done:
    return run_overread("labels", "perturb", study.root, "--source", "ann", *options)


def test_the_command_takes_vertices(squares: Study) -> None:
    done = run_command(squares, "--mode", "polygon", "--vertices", "7", "--smooth", "--seed", "2")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("ann-polygon-7-smooth-seed2: mean Dice 0.")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--mode", "polygon", "--vertices", "7", "--dice", "0.9"), "dice is for natural, choppy and random"),
        (("--mode", "natural", "--vertices", "7", "--dice", "0.9"), "vertices and smooth are for polygon only"),
    ],
)
def test_the_command_refuses_what_does_not_fit_the_mode(squares: Study, options: tuple[str, ...], message: str) -> None:
    done = run_command(squares, *options)
    assert done.returncode == 2
    assert message in done.stderr
