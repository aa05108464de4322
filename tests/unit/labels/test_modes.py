"""A kind of label error is one module and one line of the register."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import overread
from overread.errors import SettingsError
from overread.labels.perturb.register import MODES
from overread.labels.perturbation import sample_perturbation
from overread.labels.settings import PerturbationSettings, parse_variant
from overread.labels.variant_record import LabelVariant

DROP = '''
from typing import Literal

from overread.labels.perturb.mode import Calibration, PerturbationMode, Strength
from overread.labels.perturb.search import count_slices, select_filled
from overread.labels.seeds import draw_seed
from overread.settings import Settings


class DropRecord(Settings):
    mode: Literal["drop"] = "drop"
    strength: float
    seed: int


def sample_drop(settings, generator):
    return DropRecord(strength=settings.require_strength(), seed=draw_seed(generator))


def apply_drop(mask, record, spacing):
    """Clear the first voxels: a share s of the foreground leaves a Dice of 2(1 - s) / (2 - s)."""
    kept = mask.copy()
    places = kept.reshape(-1).nonzero()[0]
    kept.reshape(-1)[places[: round(record.strength * len(places))]] = False
    return kept


def calibrate_drop(cases, variant, where):
    dice = variant.require_dice()
    slices = sum(count_slices(mask) for _, mask, _ in select_filled(cases))
    return Calibration(2 * (1 - dice) / (2 - dice), dice, slices)


DROP = PerturbationMode(
    name="drop",
    title="lost voxels",
    description="the first voxels are missing",
    sample=sample_drop,
    apply=apply_drop,
    takes=(),
    strength=Strength(choose_unit=lambda _: "share", calibrate=calibrate_drop, largest=1.0),
)
'''

USE = """
import numpy as np
from overread.labels.perturbation import calibrate_strength
from overread.labels.fixed_draw import settle_strength
from overread.labels.settings import parse_variant
from overread.labels.variant_record import LabelVariant
from overread.questions.label_noise.page.series import list_series
from overread.questions.label_noise.slopes import ERROR_MODES

variant = parse_variant("drop-0.80-seed1")
cases = [("a", np.ones((6, 10), bool), (1.0, 1.0)), ("b", np.ones((3, 10), bool), (1.0, 1.0))]
found = calibrate_strength(cases, variant)
drawn = settle_strength(cases, variant, found.strength, source="ann")
clean, level = (LabelVariant(name=n, mode=m, target_dice=d, achieved_dice=d) for n, m, d in
    (("control", "control", 1.0), ("drop-0.80", "drop", 0.8)))
(series,) = list_series([clean, level])
print(variant.name, variant.strength_unit, f"{found.strength:.4f}", f"{drawn.mean_dice:.2f}")
print(*ERROR_MODES, series.name, series.colour)
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    copy = tmp_path / "overread"
    shutil.copytree(Path(overread.__file__).parent, copy, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


def test_a_new_mode_is_one_module_and_one_line_of_the_register(package):
    (package / "labels" / "perturb" / "drop.py").write_text(DROP)
    register = package / "labels" / "perturb" / "register.py"
    text = register.read_text()
    assert "(NATURAL, CHOPPY, RANDOM, POLYGON)" in text
    text = text.replace("RANDOM, POLYGON)", "RANDOM, POLYGON, DROP)")
    register.write_text(text.replace("\nMODES:", "from overread.labels.perturb.drop import DROP\n\nMODES:"))
    environment = os.environ | {"PYTHONPATH": str(package.parent)}
    done = subprocess.run([sys.executable, "-c", USE], check=True, capture_output=True, text=True, env=environment)
    assert done.stdout.splitlines() == [
        "drop-0.80-seed1 share 0.3333 0.80",
        "natural choppy random polygon drop drop #e69f00",
    ]


@pytest.mark.parametrize("name", ["natural-0.90", "natural-3d-0.90", "choppy-0.90", "random-0.90", "polygon-7"])
def test_a_record_names_its_mode(name):
    variant = parse_variant(name)
    settings = variant.to_perturbation(0.1 if variant.has_strength else None)
    assert sample_perturbation(settings, np.random.default_rng(0)).mode == variant.mode
    assert MODES[variant.mode].name == variant.mode


def test_a_mode_that_is_not_there_is_answered_with_those_that_are():
    with pytest.raises(SettingsError, match=r"natural \(wavy boundaries\), .*polygon \(few vertices\).*got 'fuzzy'"):
        PerturbationSettings.parse({"mode": "fuzzy", "strength": 1.0}, where="test")
    with pytest.raises(SettingsError, match=r"got 'fuzzy'"):
        LabelVariant.parse({"name": "fuzzy", "mode": "fuzzy", "target_dice": 1, "achieved_dice": 1}, where="test")


@pytest.mark.parametrize(
    ("name", "series"),
    [
        ("natural-0.90", "natural"),
        ("natural-3d-0.90", "natural-3d"),
        ("choppy-axis2-0.85-seed1", "choppy-axis2-seed1"),
        ("polygon-7", "polygon"),
        ("polygon-12-smooth", "polygon-smooth"),
    ],
)
def test_levels_of_one_kind_of_error_are_one_series(name, series):
    mode = name.partition("-")[0]
    assert LabelVariant(name=name, mode=mode, target_dice=None, achieved_dice=0.9).series == series
