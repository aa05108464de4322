"""Perturbed copies of a source, and the command that makes them."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from overread.adapters.versioning import commit_study, resolve_revision
from overread.errors import InputError, SettingsError
from overread.evaluation.overlap import compute_dice
from overread.labels.settings import parse_variant
from overread.labels.variants import Variant, make_variant, replay_case
from overread.runs import perturb_labels
from overread.study.digest import compute_source_digest
from overread.study.label_set import LabelSet
from overread.study.rasters import read_affine_and_shape, write_mask
from overread.study.schema import Provenance
from overread.study.study import Study
from tests.command_line import run_overread
from tests.studies import write_cubes, write_squares

NAMES = ["natural-0.90", "natural-3d-0.80", "choppy-0.90", "choppy-axis2-0.85-seed3", "random-0.90", "random-3d-0.85"]


@pytest.fixture(scope="module")
def cubes(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """Six small volumes of ann and ben, the last of ann empty; only to be read."""
    study = write_cubes(tmp_path_factory.mktemp("cubes"))
    path = study.labels("ann").path("case05")
    write_mask(path, np.zeros((24, 24, 24), np.bool_), read_affine_and_shape(path)[0])
    return study


@pytest.fixture
def squares(tmp_path: Path) -> Study:
    """Twelve images of ann and ben."""
    return write_squares(tmp_path / "squares", case_count=12)


def make(study: Study, name: str, source: str = "ann") -> Variant:
    return make_variant(study, source, parse_variant(name))


def digest_after_adding(root: Path) -> str:
    perturb_labels.run(root, parse_variant("natural-0.90"), source="ann")
    return compute_source_digest(Study.open(root), "ann-natural-0.90")


@pytest.mark.parametrize("name", NAMES)
def test_provenance_says_what_the_masks_are(cubes: Study, name: str) -> None:
    made = make(cubes, name)
    variant, provenance = made.variant, made.provenance
    masks = {case_id: mask for case_id, mask, _ in made.iterate_masks()}
    dice = {case_id: compute_dice(cubes.labels("ann").read(case_id), mask) for case_id, mask in masks.items()}
    recorded = {case_id: case["dice"] for case_id, case in provenance.cases.items()}
    assert recorded == pytest.approx(dice, abs=1e-6)
    assert (dice.pop("case05"), masks["case05"].any()) == (1.0, False)
    found = provenance.parameters
    assert found["mean_dice"] == pytest.approx(np.mean(list(dice.values())), abs=1e-6)
    assert found["mean_dice"] == pytest.approx(variant.dice, abs=0.01)
    assert (found["lowest_dice"], found["highest_dice"]) == pytest.approx((min(dice.values()), max(dice.values())))
    assert found["filled_case_count"] == 5
    assert (found["target_dice"], found["mode"], found["axis"]) == (variant.dice, variant.mode, variant.axis)
    assert (provenance.operation, provenance.seed) == ("perturb", variant.seed)
    assert provenance.parents == {"ann": compute_source_digest(cubes, "ann")}


@pytest.mark.parametrize("name", NAMES)
def test_a_case_can_be_made_again_from_the_provenance_file(cubes: Study, name: str, tmp_path: Path) -> None:
    made = make(cubes, name)
    made.provenance.write_yaml(tmp_path / "provenance.yaml")
    read = Provenance.read_yaml(tmp_path / "provenance.yaml")
    assert read == made.provenance
    for case_id, mask, affine in made.iterate_masks():
        assert np.array_equal(replay_case(cubes, read, "ann", case_id), mask)
        assert np.array_equal(affine, cubes.read_affine(case_id))


def test_masks_can_be_asked_for_twice(cubes: Study) -> None:
    made = make(cubes, "choppy-0.90")
    first, second = (list(made.iterate_masks()) for _ in range(2))
    assert all(np.array_equal(one[1], other[1]) for one, other in zip(first, second, strict=True))


def test_the_levels_of_a_mode_share_their_noise_but_seeds_and_modes_do_not(squares: Study) -> None:
    def seeds(name: str) -> list[int]:
        return [case["seed"] for case in make(squares, name).provenance.cases.values()]

    assert seeds("choppy-0.90") == seeds("choppy-0.80")
    drawn = seeds("choppy-0.90") + seeds("random-0.90") + seeds("choppy-0.90-seed1")
    assert len(set(drawn)) == 36


def test_the_seed_of_a_case_does_not_depend_on_the_other_cases(squares: Study) -> None:
    fewer = Study(squares.root, squares.settings, squares.cases[:5:-1])
    of_all, of_fewer = (make(study, "choppy-0.90").provenance.cases for study in (squares, fewer))
    assert list(of_fewer) == [f"case{index:02d}" for index in range(11, 5, -1)]
    assert all(of_fewer[case_id]["seed"] == of_all[case_id]["seed"] for case_id in of_fewer)


def test_one_draw_of_a_single_case_is_brought_to_its_dice(tmp_path: Path) -> None:
    """A draw of one small square misses the expected Dice by several percent."""
    study = write_squares(tmp_path / "one", case_count=1, size=40)
    strengths = []
    for seed in range(1, 5):
        found = make(study, f"natural-0.80-seed{seed}").provenance.parameters
        assert found["mean_dice"] == pytest.approx(0.8, abs=0.01)
        strengths.append((found["strength"], found["calibrated_strength"]))
    assert any(strength != pytest.approx(calibrated, rel=0.05) for strength, calibrated in strengths)


def test_an_unreachable_dice_names_source_mode_and_range(cubes: Study) -> None:
    with pytest.raises(SettingsError, match=r"0\.02; variant choppy-0\.02 of source 'ann'.*reachable: \[0\.\d+, 1"):
        make(cubes, "choppy-0.02")


def test_an_unknown_source_is_refused(cubes: Study) -> None:
    with pytest.raises(InputError, match=r"'carl'.*known: ann, ben"):
        make(cubes, "choppy-0.90", source="carl")


def test_volumetric_errors_of_images_are_refused(squares: Study) -> None:
    with pytest.raises(InputError, match="leave out volumetric"):
        make(squares, "natural-3d-0.90")


class TestStep:
    def test_adds_a_source_once(self, squares: Study) -> None:
        variant = parse_variant("choppy-0.90")
        text = perturb_labels.run(squares.root, variant, source="ann")
        assert re.match(
            r"ann-choppy-0\.90: strength [\d.]+ px, mean Dice 0\.\d{4} \(0\.\d{4}–0\.\d{4}\) over 12 cases\n", text
        )
        assert "added ann-choppy-0.90; version it" in text
        study = Study.open(squares.root)
        assert study.settings.sources["ann-choppy-0.90"].kind == "perturbed"
        assert study.labelled_case_ids("ann-choppy-0.90") == study.case_ids
        before = compute_source_digest(study, "ann-choppy-0.90")
        assert "holds it already" in perturb_labels.run(squares.root, variant, source="ann")
        assert compute_source_digest(Study.open(squares.root), "ann-choppy-0.90") == before
        assert not (squares.root / ".git").exists()

    def test_never_overwrites_another_variant_of_that_name(self, squares: Study) -> None:
        variant = parse_variant("random-0.90")
        perturb_labels.run(squares.root, variant, source="ann")
        changed = squares.labels("ann").path("case00")
        write_mask(changed, ~squares.labels("ann").read("case00"), None)
        before = squares.labels("ann-random-0.90").read("case00")
        with pytest.raises(InputError, match=r"never overwritten.*another ann-random-0\.90"):
            perturb_labels.run(squares.root, variant, source="ann")
        assert np.array_equal(squares.labels("ann-random-0.90").read("case00"), before)

    def test_writes_into_a_folder_and_leaves_the_study_alone(self, squares: Study, tmp_path: Path) -> None:
        variant, output = parse_variant("random-0.90"), tmp_path / "variants"
        assert "wrote" in perturb_labels.run(squares.root, variant, source="ann", output=output)
        assert sorted(path.name for path in output.iterdir()) == ["ann-random-0.90", "ann-random-0.90.provenance.yaml"]
        assert list(Study.open(squares.root).settings.sources) == ["ann", "ben"]
        labels = LabelSet("", output / "ann-random-0.90", ".png")
        provenance = Provenance.read_yaml(output / "ann-random-0.90.provenance.yaml")
        for case_id in squares.case_ids:
            assert np.array_equal(labels.read(case_id), replay_case(squares, provenance, "ann", case_id))
        assert "holds it already" in perturb_labels.run(squares.root, variant, source="ann", output=output)
        labels.path("case00").unlink()
        with pytest.raises(InputError, match="never overwritten"):
            perturb_labels.run(squares.root, variant, source="ann", output=output)

    def test_leaves_nothing_behind_when_it_fails(self, squares: Study, tmp_path: Path) -> None:
        output = tmp_path / "variants"
        with pytest.raises(SettingsError, match="reachable"):
            perturb_labels.run(squares.root, parse_variant("choppy-0.02"), source="ann", output=output)
        assert not output.exists()

    def test_commits_where_the_study_is_a_repository(self, tmp_path: Path) -> None:
        study = write_squares(tmp_path / "squares", case_count=4)
        first = commit_study(study.root, "Import")
        text = perturb_labels.run(study.root, parse_variant("random-0.80"), source="ann")
        commit = resolve_revision(str(study.root), "")
        assert commit != first
        assert text.endswith(f"added ann-random-0.80 in commit {commit}")


def test_another_process_makes_the_same_bytes(squares: Study, tmp_path: Path) -> None:
    twin = write_squares(tmp_path / "twin", case_count=12)
    code = (
        "import sys; from pathlib import Path; from tests.unit.labels.test_variants import digest_after_adding as run; "
        "print(run(Path(sys.argv[1])))"
    )
    command = [sys.executable, "-c", code, str(twin.root)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[3])
    assert done.stdout.splitlines()[-1] == digest_after_adding(squares.root)


def test_the_command_prints_what_came_of_it(squares: Study) -> None:
    command = ["labels", "perturb", squares.root, "--source", "ann", "--mode", "random", "--seed", "2", "--dice"]
    done = run_overread(*command, "0.90")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("ann-random-0.90-seed2: strength 0.")
    refused = run_overread(*command, "1.5")
    assert refused.returncode == 2
    assert "dice: Input should be less than 1" in refused.stderr
