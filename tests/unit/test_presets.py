"""The presets that come with Overread."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from overread.errors import SettingsError
from overread.evaluation.matters import Matters
from overread.networks.build import build_network
from overread.networks.settings import Architecture, count_network_dimensions
from overread.training.presets import Preset, list_presets, read_preset

SMALLEST: dict[str, Any] = {
    "description": "d",
    "network": {"channels": [4, 8]},
    "training": {"epochs": 1, "steps_per_epoch": 1, "sampling": {"patch_size": [8, 8]}},
}


def test_there_are_presets_for_the_papers_and_for_our_studies() -> None:
    assert {"demo", "cells", "small-2d", "small-3d", "schwartzman2019", "heller2018", "heller2018-small"} <= set(
        list_presets()
    )


@pytest.mark.parametrize("name", list_presets())
def test_every_preset_describes_itself_in_one_line_and_its_network_can_be_built(name: str) -> None:
    preset = read_preset(name)
    assert preset.description.endswith(".")
    assert "\n" not in preset.description
    with torch.device("meta"):
        dimensions = count_network_dimensions(preset.training.sampling.patch_size)
        build_network(preset.network, dimensions=dimensions, channel_count=2)


@pytest.mark.parametrize("architecture", ["unet", "segnet", "fcn32"])
@pytest.mark.parametrize("name", ["small-2d", "small-3d", "heller2018", "heller2018-small"])
def test_the_presets_for_imperfect_labels_fit_three_architectures(name: str, architecture: Architecture) -> None:
    preset = read_preset(name).with_architecture(architecture)
    assert preset.network.architecture == architecture
    size = preset.training.sampling.patch_size
    dimensions = count_network_dimensions(size)
    network = build_network(preset.network, dimensions=dimensions, channel_count=2).eval()
    sides = size[:dimensions] if name != "heller2018" else (64, 32)
    with torch.inference_mode():
        assert network(torch.zeros(1, 2, *sides)).shape == (1, 1, *sides)


def test_redekop2021_turns_every_uncertain_label_within_wide_limits() -> None:
    correction = read_preset("redekop2021").correction
    assert correction.rule == "paper"
    mask = np.zeros((20, 20), np.bool_)
    mask[8:12, 8:12] = True
    ring = np.zeros((20, 20), np.bool_)
    ring[6:14, 6:14] = True  # Three times the label changes.
    assert correction.guards.refuse(mask, ring) == ""
    assert correction.guards.refuse(mask, ring & ~mask) == ""
    assert correction.guards.judge(["empty", "growth"], [0.1, 0.2]) == ""


def test_earlier_names_of_a_rule_and_a_limit_are_read() -> None:
    values = SMALLEST | {"correction": {"flips": "uncertain", "largest_change": 2.0}}
    correction = Preset.parse(values, where="test").correction
    assert (correction.rule, correction.guards.largest_change) == ("paper", 2.0)
    mixed = SMALLEST | {"correction": {"flips": "uncertain", "rule": "edge"}}
    with pytest.raises(SettingsError, match="flips is not known"):
        Preset.parse(mixed, where="test")


def test_heller2018_has_the_settings_of_the_paper() -> None:
    preset = read_preset("heller2018")
    training, sampling = preset.training, preset.training.sampling
    assert preset.network.channels == (6, 12, 24, 48, 96, 192)
    assert preset.network.downsampling == 2**5
    assert (training.epochs, training.steps_per_epoch, training.batch_size) == (100, 35, 20)
    assert (training.learning_rate, training.weight_decay, training.schedule) == (1e-3, 0.0, "constant")
    assert training.loss == "balanced_cross_entropy"
    assert training.patience * training.validation_every >= training.epochs
    assert (sampling.patch_size, sampling.keep_inside) == ((512, 512, 1), True)


def test_heller2018_small_takes_300_steps_with_the_loss_of_the_paper_and_keeps_the_last_epoch() -> None:
    training = read_preset("heller2018-small").training
    assert training.loss == read_preset("heller2018").training.loss
    assert training.epochs * training.steps_per_epoch == 300
    assert training.validation_every == training.epochs


def test_another_architecture_changes_nothing_else() -> None:
    preset = read_preset("small-3d")
    assert preset.with_architecture("segnet").with_architecture("unet") == preset


def test_an_architecture_that_the_channels_do_not_fit_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"widths of five levels, not \(8, 16, 32\)"):
        read_preset("small-3d").with_architecture("basic_unet")


@pytest.mark.parametrize("architecture", ["segnet", "fcn32"])
def test_an_architecture_that_the_patches_do_not_fit_is_refused(architecture: Architecture) -> None:
    with pytest.raises(SettingsError, match=r"multiples of 16, .* not \(100, 100, 100\); architecture "):
        read_preset("schwartzman2019").with_architecture(architecture)


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


def test_a_file_of_the_study_goes_before_one_of_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    here, study = read_preset("demo"), read_preset("cells")
    (tmp_path / "study").mkdir()
    here.write_yaml(tmp_path / "mine.yaml")
    assert read_preset("mine.yaml", folder=tmp_path / "study") == here
    study.write_yaml(tmp_path / "study" / "mine.yaml")
    assert read_preset("mine.yaml", folder=tmp_path / "study") == study


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(
        SettingsError, match=r"preset must be a known name .* got 'schwarzman'.* Hint: known: cells, demo"
    ):
        read_preset("schwarzman")


def test_a_missing_file_is_named() -> None:
    with pytest.raises(SettingsError, match=r"must exist, got mine\.yaml"):
        read_preset("mine.yaml")


def test_slices_need_fit_the_network_in_their_plane_only() -> None:
    values = SMALLEST | {"training": SMALLEST["training"] | {"sampling": {"patch_size": [8, 6, 1]}}}
    Preset.parse(values, where="mine.yaml")
    values |= {"training": SMALLEST["training"] | {"sampling": {"patch_size": [8, 5, 1]}}}
    with pytest.raises(SettingsError, match=r"patch_size must be multiples of 2, .* not \(8, 5\)"):
        Preset.parse(values, where="mine.yaml")


def test_patches_that_do_not_fit_the_u_net_are_refused() -> None:
    values = SMALLEST | {"network": {"channels": [4, 8, 16]}}
    values |= {"training": SMALLEST["training"] | {"sampling": {"patch_size": [8, 6]}}}
    with pytest.raises(SettingsError, match=r"patch_size must be multiples of 4, .* not \(8, 6\); mine\.yaml\.$"):
        Preset.parse(values, where="mine.yaml")


def test_a_preset_may_say_what_difference_matters() -> None:
    assert Preset.parse(SMALLEST, where="x").matters == Matters(dice=0.02, load=0.1, auroc=0.1)
    assert Preset.parse(SMALLEST | {"matters": {"dice": 0.05}}, where="x").matters == Matters(dice=0.05)
    with pytest.raises(SettingsError, match=r"matters\.dice"):
        Preset.parse(SMALLEST | {"matters": {"dice": 0.0}}, where="x")
