"""Settings of a network."""

import pytest

from overread.errors import SettingsError
from overread.networks.settings import NetworkSettings, count_network_dimensions


def test_down_sampling_halves_between_levels() -> None:
    assert NetworkSettings(channels=(2, 4, 8)).downsampling == 4
    assert NetworkSettings(channels=(6, 12, 24, 48, 96, 192)).downsampling == 32


@pytest.mark.parametrize("channels", [(8, 16), (8, 16, 32, 64, 128, 256)])
def test_basic_unet_needs_five_levels(channels: tuple[int, ...]) -> None:
    with pytest.raises(SettingsError, match=r"channels of basic_unet must be the widths of five levels, not \(8, 16"):
        NetworkSettings.parse({"architecture": "basic_unet", "channels": channels}, where="x")


@pytest.mark.parametrize(
    ("patch_size", "dimensions"),
    [((64, 64), 2), ((64, 1), 2), ((64, 64, 64), 3), ((1, 64, 64), 3), ((64, 64, 2), 3), ((64, 64, 1), 2)],
)
def test_patches_of_one_axial_slice_are_for_a_network_in_2d(patch_size: tuple[int, ...], dimensions: int) -> None:
    assert count_network_dimensions(patch_size) == dimensions
