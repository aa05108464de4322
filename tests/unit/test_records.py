import math
from typing import ClassVar

import pytest
from pydantic import ValidationError

from overread.records import Result


class Measured(Result):
    name: str
    distance_mm: float
    spread: float | None = None


class Planned(Measured):
    INDENT: ClassVar[int] = 2


def test_a_result_is_written_into_a_new_folder_as_indented_json(tmp_path):
    file = tmp_path / "new" / "found.json"
    Measured(name="öd", distance_mm=1.5).write(file)
    assert file.read_bytes() == '{\n "name": "öd",\n "distance_mm": 1.5,\n "spread": null\n}'.encode()


def test_a_result_says_how_far_its_file_indents(tmp_path):
    Planned(name="a", distance_mm=1.0).write(tmp_path / "plan.json")
    assert (tmp_path / "plan.json").read_text().splitlines()[1] == '  "name": "a",'


def test_infinite_and_absent_numbers_are_read_as_they_were_written(tmp_path):
    Measured(name="a", distance_mm=math.inf, spread=math.nan).write(tmp_path / "found.json")
    found = Measured.read(tmp_path / "found.json")
    assert math.isinf(found.distance_mm)
    assert found.spread is not None
    assert math.isnan(found.spread)


def test_a_file_of_another_shape_is_refused(tmp_path):
    (tmp_path / "found.json").write_text('{"name": "a", "distance_mm": 1.0, "length_mm": 1.0}')
    with pytest.raises(ValidationError, match="length_mm"):
        Measured.read(tmp_path / "found.json")
