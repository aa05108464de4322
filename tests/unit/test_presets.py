"""The presets that come with Overread."""

from pathlib import Path
from typing import Any

import pytest
import torch

from overread.errors import SettingsError
from overread.networks.build import build_network
from overread.presets import Preset, list_presets, read_preset

SMALLEST: dict[str, Any] = {
    "description": "d",
    "network": {"channels": [4, 8]},
    "training": {"epochs": 1, "steps_per_epoch": 1, "sampling": {"patch_size": [8, 8]}},
}


def test_there_are_presets_for_the_papers_and_for_our_studies() -> None:
    assert {"demo", "cells", "schwartzman2019"} <= set(list_presets())


@pytest.mark.parametrize("name", list_presets())
def test_every_preset_describes_itself_in_one_line_and_its_network_can_be_built(name: str) -> None:
    preset = read_preset(name)
    assert preset.description.endswith(".")
    assert "\n" not in preset.description
    with torch.device("meta"):
        build_network(preset.network, dimensions=len(preset.training.sampling.patch_size), channel_count=2)


def test_schwartzman2019_has_the_settings_of_the_paper() -> None:
    preset = read_preset("schwartzman2019")
    training, network = preset.training, preset.network
    assert (network.architecture, network.dropout) == ("basic_unet", 0.5)
    assert (training.loss, training.batch_size, training.learning_rate) == ("cross_entropy", 2, 5e-4)
    assert (training.weight_decay, training.schedule) == (0.0, "constant")
    assert training.sampling.patch_size == (100, 100, 100)
    assert preset.inference.overlap > 0


def test_the_network_of_schwartzman2019_takes_patches_of_100_voxels_though_they_are_no_multiple_of_16() -> None:
    settings = read_preset("schwartzman2019").network.model_copy(update={"channels": (2, 2, 2, 2, 2)})
    network = build_network(settings, dimensions=3, channel_count=4).eval().to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        assert network(torch.zeros(1, 4, 100, 100, 100)).shape == (1, 1, 100, 100, 100)


def test_a_preset_can_be_a_file_of_the_user(tmp_path: Path) -> None:
    Preset.parse(SMALLEST, where="x").write_yaml(tmp_path / "mine.yaml")
    assert read_preset(str(tmp_path / "mine.yaml")).network.channels == (4, 8)


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(
        SettingsError, match=r"preset must be a known name .* got 'schwarzman'.* Hint: known: cells, demo"
    ):
        read_preset("schwarzman")


def test_a_missing_file_is_named() -> None:
    with pytest.raises(SettingsError, match=r"must exist, got mine\.yaml"):
        read_preset("mine.yaml")


def test_patches_that_do_not_fit_the_u_net_are_refused() -> None:
    values = SMALLEST | {"network": {"channels": [4, 8, 16]}}
    values |= {"training": SMALLEST["training"] | {"sampling": {"patch_size": [8, 6]}}}
    with pytest.raises(SettingsError, match=r"patch_size must be multiples of 4, .* not \(8, 6\); mine\.yaml\.$"):
        Preset.parse(values, where="mine.yaml")
