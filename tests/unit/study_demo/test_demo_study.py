import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from overread.errors import InputError, SettingsError
from overread.study.check import check_study
from overread.study.demo import DemoSettings, write_demo_study
from overread.study.demo.demo import compute_dice
from overread.study.schema import Provenance
from overread.study.study import Study, compute_load
from overread.types import Mask

HUMANS = ("rater1", "rater2")
SOURCES = (*HUMANS, "truth")
WRITE_SMALL = """
import sys
from pathlib import Path
from overread.study.demo import DemoSettings, write_demo_study
write_demo_study(Path(sys.argv[1]), settings=DemoSettings(case_count=4, follow_up_share=0.25))
"""


@pytest.fixture(scope="module")
def masks(demo: Study) -> dict[str, list[Mask]]:
    return {source: [demo.labels(source).read(case_id) for case_id in demo.case_ids] for source in SOURCES}


@pytest.fixture(scope="module")
def loads_ml(demo: Study, masks: dict[str, list[Mask]]) -> dict[str, NDArray[np.float64]]:
    spacings = [demo.read_spacing(case_id) for case_id in demo.case_ids]
    return {
        source: np.array([compute_load(m, s) for m, s in zip(own, spacings, strict=True)])
        for source, own in masks.items()
    }


def read_contents(root: Path) -> dict[str, bytes]:
    """Bytes of every file."""
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def test_another_process_writes_the_same_contents_for_the_same_seed(small_root: Path, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", WRITE_SMALL, str(tmp_path / "again")], check=True)
    assert read_contents(tmp_path / "again") == read_contents(small_root)


def test_another_seed_gives_other_images_and_masks(small_root: Path, tmp_path: Path) -> None:
    write_demo_study(tmp_path / "other", settings=DemoSettings(seed=1, case_count=4, follow_up_share=0.25))
    first, second = read_contents(small_root), read_contents(tmp_path / "other")
    assert [name for name in first if name.endswith(".gz") and first[name] == second.get(name)] == []


def test_the_study_passes_the_check(demo: Study) -> None:
    check_study(demo.root)


def test_sources_are_two_humans_and_a_hidden_truth(demo: Study) -> None:
    assert demo.select_sources() == HUMANS
    assert demo.settings.sources["truth"].hidden
    assert all(demo.labelled_case_ids(source) == demo.case_ids for source in SOURCES)


def test_fifteen_subjects_share_eighteen_cases(demo: Study) -> None:
    assert (len(demo.case_ids), len(set(demo.subject_of.values()))) == (18, 15)


def test_both_outcomes_sexes_and_ages_occur_at_both_manufacturers(demo: Study) -> None:
    columns = [case.columns for case in demo.cases]
    assert {(c["manufacturer"], c["relapse"]) for c in columns} == {
        (m, r) for m in ("Aurelia", "Borealis") for r in "01"
    }
    assert {(c["manufacturer"], c["sex"]) for c in columns} == {(m, s) for m in ("Aurelia", "Borealis") for s in "FM"}
    ages = {m: np.mean([float(c["age"]) for c in columns if c["manufacturer"] == m]) for m in ("Aurelia", "Borealis")}
    assert abs(ages["Aurelia"] - ages["Borealis"]) < 5
    assert 0.2 < np.mean([c["relapse"] == "1" for c in columns]) < 0.45


def test_raters_agree_as_those_of_the_paper(masks: dict[str, list[Mask]]) -> None:
    dice = [compute_dice(a, b) for a, b in zip(masks["rater1"], masks["rater2"], strict=True)]
    assert 0.70 <= np.mean(dice) <= 0.76
    assert np.std(dice) <= 0.10


def test_rater1_marks_less_than_rater2_in_most_but_not_all_cases(loads_ml: dict[str, NDArray[np.float64]]) -> None:
    assert 15 <= np.count_nonzero(loads_ml["rater1"] < loads_ml["rater2"]) <= 17


def test_rater1_overlooks_more_small_lesions(demo: Study, masks: dict[str, list[Mask]]) -> None:
    overlooked = dict.fromkeys(HUMANS, 0)
    for index, case_id in enumerate(demo.case_ids):
        voxel_ml = float(np.prod(demo.read_spacing(case_id))) / 1000
        pieces, count = ndimage.label(masks["truth"][index])
        for piece in range(1, count + 1):
            where = pieces == piece
            if np.count_nonzero(where) * voxel_ml < 0.2:
                for source in HUMANS:
                    overlooked[source] += not masks[source][index][where].any()
    assert overlooked["rater1"] > 2 * max(overlooked["rater2"], 1)


def test_loads_are_clinically_plausible_and_spread_widely(loads_ml: dict[str, NDArray[np.float64]]) -> None:
    for source in SOURCES:
        assert loads_ml[source].min() > 0.5
        assert loads_ml[source].max() < 60
    assert loads_ml["truth"].max() > 4 * loads_ml["truth"].min()


def test_every_mask_has_at_least_four_lesions_and_lies_within_the_brain(
    demo: Study, masks: dict[str, list[Mask]]
) -> None:
    for source in SOURCES:
        for case_id, mask in zip(demo.case_ids, masks[source], strict=True):
            assert ndimage.label(mask)[1] >= 4
            assert (demo.read_image(case_id)[:, mask] > 0).all()


def test_images_are_finite_not_constant_and_zero_outside_the_brain(demo: Study) -> None:
    for case_id in demo.case_ids:
        image = demo.read_image(case_id)
        assert np.isfinite(image).all()
        assert (image.std(axis=(1, 2, 3)) > 0).all()
        np.testing.assert_array_equal(image[0] > 0, image[1] > 0)
        assert 0.2 < np.mean(image[0] > 0) < 0.7


def test_lesions_are_bright_on_flair_and_dark_on_t1(demo: Study, masks: dict[str, list[Mask]]) -> None:
    for case_id, truth in zip(demo.case_ids, masks["truth"], strict=True):
        around = ndimage.binary_dilation(truth, iterations=4) & ~ndimage.binary_dilation(truth, iterations=2)
        flair, t1 = demo.read_image(case_id)
        assert flair[truth].mean() > 1.25 * flair[around & (flair > 0)].mean()
        assert t1[truth].mean() < t1[around & (t1 > 0)].mean()


def test_manufacturers_differ_in_spacing_and_in_the_texture_of_noise(demo: Study) -> None:
    correlation: dict[str, list[float]] = {"Aurelia": [], "Borealis": []}
    spacings: dict[str, set[tuple[float, ...]]] = {"Aurelia": set(), "Borealis": set()}
    for case in demo.cases:
        manufacturer = case.columns["manufacturer"]
        correlation[manufacturer].append(measure_neighbour_correlation(demo.read_image(case.case_id)[0]))
        spacings[manufacturer].add(tuple(round(s, 3) for s in demo.read_spacing(case.case_id)))
    assert min(correlation["Borealis"]) > max(correlation["Aurelia"])
    assert np.mean(correlation["Borealis"]) > np.mean(correlation["Aurelia"]) + 0.2
    assert spacings == {"Aurelia": {(2.3, 2.5, 2.9)}, "Borealis": {(2.6, 2.5, 3.2)}}


def measure_neighbour_correlation(image: NDArray[np.float32]) -> float:
    """Correlation of fine texture between neighbours along x, in the evenest white matter."""
    smooth = ndimage.gaussian_filter(image, 2.0)
    inner = ndimage.binary_erosion(image > 0, iterations=7)
    slopes = ndimage.gaussian_gradient_magnitude(image, 2.0)
    even = inner & (slopes < np.percentile(slopes[inner], 25))
    texture = image - smooth
    both = even[1:] & even[:-1]
    return float(np.corrcoef(texture[1:][both], texture[:-1][both])[0, 1])


def test_provenance_holds_seed_margin_and_the_dice_of_every_case(demo: Study, masks: dict[str, list[Mask]]) -> None:
    for source in SOURCES:
        provenance = Provenance.read_yaml(demo.provenance_path(source))
        assert (provenance.operation, provenance.seed) == ("synthesise", 0)
        expected = [round(compute_dice(m, t), 4) for m, t in zip(masks[source], masks["truth"], strict=True)]
        assert [provenance.cases[case_id]["dice_to_truth"] for case_id in demo.case_ids] == expected
    tight, generous = (Provenance.read_yaml(demo.provenance_path(s)).parameters["margin_mm"] for s in HUMANS)
    assert tight == -generous < 0


def test_the_study_is_small(demo: Study) -> None:
    assert sum(path.stat().st_size for path in demo.root.rglob("*") if path.is_file()) < 15e6


def test_an_existing_study_is_refused_and_left_alone(small_root: Path) -> None:
    before = read_contents(small_root)
    with pytest.raises(InputError, match="must be new or empty"):
        write_demo_study(small_root)
    assert read_contents(small_root) == before


def test_a_failing_write_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("overread.study.demo.demo.write_ratings", fail)
    with pytest.raises(KeyboardInterrupt):
        write_demo_study(tmp_path / "study", settings=DemoSettings(case_count=4, follow_up_share=0.0))
    assert list(tmp_path.iterdir()) == []


def test_a_follow_up_share_above_a_half_is_refused() -> None:
    with pytest.raises(SettingsError, match="follow_up_share"):
        DemoSettings.parse({"follow_up_share": 0.6}, where="test")
