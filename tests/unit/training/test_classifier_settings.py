"""Settings of the source classifier."""

import pytest

from overread.errors import SettingsError
from overread.training.settings import ClassifierSettings


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
