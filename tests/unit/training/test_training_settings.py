"""Settings of a training, and of the source classifier, refuse what could only fail later."""

from typing import Any

import pytest

from overread.errors import SettingsError
from overread.training.settings import ClassifierSettings, SamplingSettings, TrainingSettings

SAMPLING: dict[str, Any] = {"patch_size": [8, 8]}
TRAINING: dict[str, Any] = {"epochs": 1, "steps_per_epoch": 1, "sampling": SAMPLING}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"patch_size": [8]}, "patch_size must hold 2 or 3 positive numbers, got [8]"),
        ({"patch_size": [8, 0]}, "patch_size must hold 2 or 3 positive numbers, got [8, 0]"),
        ({"flip_axes": [2]}, "flip_axes must be axes of patch_size, 0 to 1"),
        ({"zoom_range": [1.2, 0.8]}, "a range must be [lower, upper], got [1.2, 0.8]"),
        ({"zoom_range": [0.0, 1.0]}, "zoom_range must be above 0"),
        ({"rotation": 10}, "rotation is not known (known: patch_size, "),
    ],
)
def test_sampling_settings_say_what_they_refuse(change: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        SamplingSettings.parse(SAMPLING | change, where="demo.yaml")
    assert message in str(caught.value)
    assert str(caught.value).endswith("; demo.yaml.")


@pytest.mark.parametrize("spacing", [[1.0], [1.0, 1.0, 1.0], [1.0, 0.0]])
def test_working_spacing_must_fit_the_patch(spacing: list[float]) -> None:
    with pytest.raises(SettingsError, match="a positive number for each of the 2 axes of patch_size"):
        TrainingSettings.parse(TRAINING | {"working_spacing": spacing}, where="x")


@pytest.mark.parametrize("name", ["epochs", "steps_per_epoch", "batch_size", "learning_rate", "patience"])
def test_counts_and_step_sizes_must_be_positive(name: str) -> None:
    with pytest.raises(SettingsError, match=f"{name}: Input should be greater than"):
        TrainingSettings.parse(TRAINING | {name: 0}, where="x")


def test_patches_must_outlast_the_poolings() -> None:
    """Four blocks pool three times, by 8 in all."""
    with pytest.raises(SettingsError, match=r"must be at least 8 for 4 blocks, not \(7, 24\)"):
        ClassifierSettings.parse({"patch_size": [7, 24]}, where="classifier")
    assert ClassifierSettings(patch_size=(8, 24, 1)).patch_size == (8, 24, 1)


@pytest.mark.parametrize("sides", [(24,), (0, 24), (24, 24, 24, 24)])
def test_a_patch_has_two_or_three_sides(sides: tuple[int, ...]) -> None:
    with pytest.raises(SettingsError, match="patch_size must hold 2 or 3 positive numbers"):
        ClassifierSettings.parse({"patch_size": sides}, where="classifier")


def test_dropout_and_step_size_are_those_of_the_paper() -> None:
    settings = ClassifierSettings()
    assert (settings.dropout, settings.learning_rate, len(settings.features)) == (0.5, 1e-3, 4)
