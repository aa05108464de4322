"""Uncertainty of a case from networks whose answers are known."""

import tracemalloc
from collections.abc import Sequence
from math import log
from pathlib import Path

import numpy as np
import pytest
from torch import nn

from overread.errors import InputError
from overread.inference.ensemble import predict_case
from overread.inference.settings import InferenceSettings, UncertaintyMethod, UncertaintySettings
from overread.inference.uncertainty import estimate_uncertainty, estimate_working_uncertainty
from overread.inference.uncertainty_maps import UncertaintyMaps
from overread.networks.hardware import place_network
from overread.study.study import Study
from overread.study.working_cases import WorkingCase, read_working_cases
from overread.types import Image
from tests.studies import write_cubes, write_squares
from tests.unit.inference.known_networks import (
    CPU,
    AllOrNothing,
    Constant,
    Voxelwise,
    build_unet,
    make_windowing,
    save_unet,
)

METHODS: tuple[UncertaintyMethod, ...] = ("mc_dropout", "ensemble", "tta")
NOISE = np.random.default_rng(0).normal(0, 2, (1, 20, 20)).astype(np.float32)


def estimate(
    networks: Sequence[nn.Module],
    method: UncertaintyMethod = "tta",
    *,
    image: Image = NOISE,
    patch_size: tuple[int, ...] = (20, 20),
    **settings: object,
) -> UncertaintyMaps:
    case = WorkingCase("case00", image, np.zeros(image.shape[1:], bool))
    return estimate_working_uncertainty(
        networks,
        case,
        spacing=(1.0,) * (image.ndim - 1),
        settings=UncertaintySettings.parse({"method": method, **settings}, where="tests"),
        windowing=make_windowing(*patch_size),
    )


def estimate_case(study: Study, folders: Sequence[Path], **settings: object) -> UncertaintyMaps:
    return estimate_uncertainty(
        study,
        "case00",
        folders,
        settings=UncertaintySettings.parse(settings, where="tests"),
        inference=InferenceSettings(),
        device=CPU,
    )


def assert_equal(first: UncertaintyMaps, second: UncertaintyMaps) -> None:
    np.testing.assert_array_equal(first.probability, second.probability)
    np.testing.assert_array_equal(first.aleatoric, second.aleatoric)
    np.testing.assert_array_equal(first.epistemic, second.epistemic)


@pytest.mark.parametrize("method", METHODS)
def test_a_constant_network_has_aleatoric_uncertainty_alone(method: UncertaintyMethod) -> None:
    """A logit of ln 3 is p = 3/4, and p (1 - p) = 3/16. Dropout before it changes nothing."""
    networks = [nn.Sequential(nn.Dropout(0.5), Constant(log(3))) for _ in range(2)]
    maps = estimate(networks, method)
    np.testing.assert_allclose(maps.probability, 0.75, atol=1e-6)
    np.testing.assert_allclose(maps.aleatoric, 0.1875, atol=1e-6)
    np.testing.assert_allclose(maps.epistemic, 0, atol=1e-12)


def test_two_opposite_networks_have_epistemic_uncertainty_alone() -> None:
    maps = estimate([Constant(-50), Constant(50)], "ensemble")
    np.testing.assert_allclose(maps.probability, 0.5, atol=1e-6)
    np.testing.assert_allclose(maps.aleatoric, 0, atol=1e-6)
    np.testing.assert_allclose(maps.epistemic, 0.25, atol=1e-6)


def test_networks_that_are_undecided_and_differ_have_both() -> None:
    """p = 1/4 and 3/4: mean 1/2, p (1 - p) = 3/16 for both, variance 1/16."""
    maps = estimate([Constant(-log(3)), Constant(log(3))], "ensemble")
    np.testing.assert_allclose(maps.aleatoric, 0.1875, atol=1e-6)
    np.testing.assert_allclose(maps.epistemic, 0.0625, atol=1e-6)


def test_dropout_that_decides_everything_has_epistemic_uncertainty_alone() -> None:
    """k of 16 draws say 1, in the whole image, which is one window: the variance is k/16 (1 - k/16)."""
    maps = estimate([AllOrNothing()], "mc_dropout", samples=16)
    share = float(maps.probability[0, 0])
    assert share * 16 == pytest.approx(round(share * 16), abs=1e-4)
    assert 0 < share < 1
    np.testing.assert_allclose(maps.probability, share, atol=1e-6)
    np.testing.assert_allclose(maps.aleatoric, 0, atol=1e-6)
    np.testing.assert_allclose(maps.epistemic, share * (1 - share), atol=1e-6)


def test_flips_turns_and_shifts_leave_a_voxelwise_network_certain() -> None:
    maps = estimate([Voxelwise()], "tta", samples=20, zoom_range=(1, 1), patch_size=(8, 8))
    expected = 1 / (1 + np.exp(-NOISE[0]))
    np.testing.assert_allclose(maps.probability, expected, atol=1e-5)
    np.testing.assert_allclose(maps.aleatoric, expected * (1 - expected), atol=1e-5)
    np.testing.assert_allclose(maps.epistemic, 0, atol=1e-11)


def test_magnification_leaves_a_voxelwise_network_almost_certain_of_a_smooth_image() -> None:
    """Away from the rim two interpolations of sin(x / 4) change a logit by 1/64 at most, a probability by 1/256."""
    wave = np.tile(np.sin(np.arange(40) / 4), (40, 1)).astype(np.float32)[None]
    settings = {"samples": 12, "flip_axes": (), "quarter_turns": False, "shift_voxels": 0, "zoom_range": (0.95, 1.05)}
    maps = estimate([Voxelwise()], "tta", image=wave, patch_size=(40, 40), **settings)
    inner = maps.epistemic[3:-3, 3:-3]
    assert 0 < inner.max() <= 1 / 256**2


def test_a_network_that_knows_directions_is_uncertain_under_flips() -> None:
    assert estimate([build_unet(channel_count=1, dimensions=2)], "tta", patch_size=(16, 16)).epistemic.max() > 1e-4


@pytest.mark.parametrize("method", METHODS)
def test_equal_seeds_give_equal_maps(method: UncertaintyMethod) -> None:
    networks = [build_unet(channel_count=1, dimensions=2, seed=seed) for seed in range(2)]
    first = estimate(networks, method, samples=3, seed=4)
    assert_equal(first, estimate(networks, method, samples=3, seed=4))
    if method != "ensemble":
        assert np.abs(first.probability - estimate(networks, method, samples=3, seed=5).probability).max() > 1e-4


@pytest.mark.parametrize("method", METHODS)
def test_both_parts_add_up_to_the_variance_of_the_mean_prediction(method: UncertaintyMethod) -> None:
    networks = [build_unet(channel_count=1, dimensions=2, seed=seed) for seed in range(2)]
    maps = estimate(networks, method, samples=4)
    total = maps.probability * (1 - maps.probability)
    np.testing.assert_allclose(maps.aleatoric + maps.epistemic, total, atol=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_a_network_for_slices_keeps_the_shape_of_the_volume(method: UncertaintyMethod) -> None:
    image = np.random.default_rng(0).normal(0, 1, (1, 12, 10, 3)).astype(np.float32)
    networks = [build_unet(channel_count=1, dimensions=2, seed=seed) for seed in range(2)]
    assert estimate(networks, method, image=image, patch_size=(8, 8, 1), samples=3).aleatoric.shape == (12, 10, 3)


@pytest.mark.parametrize(("method", "count"), [("ensemble", 1), ("ensemble", 0), ("tta", 0), ("mc_dropout", 0)])
def test_too_few_networks_are_refused(method: UncertaintyMethod, count: int) -> None:
    with pytest.raises(InputError, match=rf"the method {method} needs \d network\(s\) or more, got {count}"):
        estimate([Constant(0)] * count, method)


def test_memory_does_not_grow_with_the_number_of_predictions() -> None:
    image = np.random.default_rng(0).normal(0, 1, (1, 256, 256)).astype(np.float32)

    def measure_peak(samples: int) -> int:
        tracemalloc.start()
        estimate([Voxelwise()], "tta", image=image, patch_size=(256, 256), samples=samples)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    measure_peak(2)  # what is imported and cached on the first call
    few, many = measure_peak(5), measure_peak(50)
    assert few > 4 * image.nbytes  # the accumulator's four maps were seen
    assert many < 1.1 * few


@pytest.mark.parametrize("write", [write_squares, write_cubes])
@pytest.mark.parametrize("method", METHODS)
def test_a_case_on_disk_has_the_maps_of_the_case_in_memory(tmp_path: Path, write: type, method: str) -> None:
    study = write(tmp_path / "study", case_count=1)
    dimensions = study.settings.dimensions
    folders = [save_unet(tmp_path / str(seed), study, seed=seed) for seed in range(2)]
    channels = len(study.settings.channels)
    networks = [build_unet(channel_count=channels, dimensions=dimensions, seed=seed) for seed in range(2)]
    case = read_working_cases(study, study.labels("ann"), ["case00"], None)[0]
    expected = estimate_working_uncertainty(
        [place_network(network, CPU, dimensions=dimensions) for network in networks],
        case,
        spacing=study.read_spacing("case00"),
        settings=UncertaintySettings.parse({"method": method, "samples": 2}, where="tests"),
        windowing=make_windowing(*(16,) * dimensions),
    )
    found = estimate_case(study, folders, method=method, samples=2)
    np.testing.assert_allclose(found.probability, expected.probability, atol=1e-6)
    np.testing.assert_allclose(found.aleatoric, expected.aleatoric, atol=1e-6)
    np.testing.assert_allclose(found.epistemic, expected.epistemic, atol=1e-6)
    assert found.epistemic.max() > 1e-5


def test_the_mean_over_an_ensemble_is_the_prediction_of_the_case(tmp_path: Path) -> None:
    study = write_cubes(tmp_path / "study", case_count=1)
    folders = [save_unet(tmp_path / "a", study), save_unet(tmp_path / "b", study, seed=1, working_spacing=(2, 2, 2))]
    expected = predict_case(study, "case00", folders, settings=InferenceSettings(), device=CPU)
    np.testing.assert_allclose(estimate_case(study, folders, method="ensemble").probability, expected, atol=1e-6)


def test_maps_from_another_working_grid_lie_on_the_grid_of_the_case(tmp_path: Path) -> None:
    """Voxels of 3 mm³, of which 1 × 2 × 3 mm voxels are resampled to 8 × 16 × 24."""
    study = write_cubes(tmp_path / "study", case_count=1)
    folder = save_unet(tmp_path / "a", study, working_spacing=(3.0, 3.0, 3.0))
    maps = estimate_case(study, [folder], method="tta", samples=3, shift_voxels=2)
    assert maps.probability.shape == maps.aleatoric.shape == maps.epistemic.shape == (24, 24, 24)
    np.testing.assert_allclose(maps.aleatoric + maps.epistemic, maps.probability * (1 - maps.probability), atol=1e-6)


def test_a_network_for_other_channels_is_refused(tmp_path: Path) -> None:
    study = write_cubes(tmp_path / "study", case_count=1)
    folder = save_unet(tmp_path / "a", study, channels=("t2", "t1"))
    with pytest.raises(InputError, match=r"needs the channels \('t2', 't1'\), got \('t1', 't2'\)"):
        estimate_case(study, [folder])
