"""Settings of the uncertainty."""

import pytest

from overread.errors import SettingsError
from overread.inference.settings import UncertaintySettings


@pytest.mark.parametrize(
    ("values", "rule"),
    [
        ({"samples": 1}, "samples"),
        ({"method": "bootstrap"}, "method"),
        ({"shift_voxels": -1}, "shift_voxels"),
        ({"zoom_range": (1.1, 0.9)}, "zoom_range must be"),
        ({"zoom_range": (0.0, 1.0)}, "zoom_range must be"),
        ({"flip_axes": (3,)}, "flip_axes must be"),
        ({"shift_mm": 1}, "shift_mm is not known"),
    ],
)
def test_a_value_that_breaks_a_rule_is_named(values: dict[str, object], rule: str) -> None:
    with pytest.raises(SettingsError, match=rule):
        UncertaintySettings.parse(values, where="tests")
