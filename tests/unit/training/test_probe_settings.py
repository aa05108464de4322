import pytest

from overread.errors import SettingsError
from overread.questions.acquisition_bias.presets import list_probe_presets, read_probe_preset
from overread.questions.acquisition_bias.probe_settings import ProbeImageSettings, ProbePreset


def test_there_are_a_preset_of_the_paper_and_a_small_one() -> None:
    assert list_probe_presets() == ("name-that-manufacturer", "small")


@pytest.mark.parametrize("name", list_probe_presets())
def test_every_preset_describes_itself_in_one_line(name: str) -> None:
    description = read_probe_preset(name).description
    assert description.endswith(".")
    assert "\n" not in description


def test_the_preset_of_the_paper_has_the_settings_of_the_paper() -> None:
    preset = read_probe_preset("name-that-manufacturer")
    assert (preset.image.side, preset.image.slices, preset.image.window) == (256, 3, (40, 400))
    assert (preset.folds, preset.validation_folds, preset.packages) == (10, 3, 4)
    assert len(preset.network.widths) == 3


def test_an_unknown_preset_is_answered_with_the_known_ones() -> None:
    with pytest.raises(SettingsError, match=r"got 'big'. Hint: known: name-that-manufacturer, small"):
        read_probe_preset("big")


def test_a_preset_can_be_a_file_of_the_user(tmp_path) -> None:
    preset = ProbePreset.parse({"description": "d", "training": {"epochs": 1}}, where="x")
    preset.write_yaml(tmp_path / "mine.yaml")
    assert read_probe_preset(str(tmp_path / "mine.yaml")) == preset


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"side": 100}, "side must be a multiple of 8"),
        ({"window": [40, 0]}, "the width of window must be above 0"),
    ],
)
def test_image_settings_that_break_a_rule_are_refused(values: dict[str, object], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        ProbeImageSettings.parse(values, where="x")


def test_a_fold_must_be_left_to_learn_from() -> None:
    with pytest.raises(SettingsError, match="validation_folds must leave a fold to hold out and one to learn from"):
        ProbePreset.parse({"description": "d", "training": {"epochs": 1}, "folds": 3, "validation_folds": 2}, where="x")


@pytest.mark.parametrize(
    ("values", "message"),
    [({"shuffles": 18}, "shuffles must be 0, or 19 or more"), ({"folds": 2}, "folds must be 3 or more, or 0")],
)
def test_numbers_that_can_show_nothing_are_refused(values: dict[str, int], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        ProbePreset.parse({"description": "d", "training": {"epochs": 1}, **values}, where="x")
