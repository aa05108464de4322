"""Small CT studies of two vendors, one of which pads the corners of its slices, and settings that learn it in seconds.

Every subject has two cases of four slices of 24 × 24 pixels: a body of 60 HU in air of -1000 HU, both with noise of
10 HU. `Beta` sets corners to -1024 HU, and stands in the site `north` alone.
"""

from pathlib import Path

import numpy as np

from overread.questions.acquisition_bias.probe_settings import ProbePreset
from overread.study.cases import Case, write_cases
from overread.study.rasters import write_volume
from overread.study.schema import IntensitySettings, StudySettings
from overread.study.study import Study

SIDE, SLICES = 24, 4
PADDING = 6
_SITES = {"Alpha": ("south", "west"), "Beta": ("north", "north")}


def write_vendors(root: Path, *, subject_count: int = 16, seed: int = 0) -> Study:
    """Write a 3D study without sources; subjects are of `Alpha` and `Beta` in turn, aged 50 to 69, women and men."""
    settings = StudySettings(
        name="vendors",
        dimensions=3,
        modality="CT",
        channels=("ct",),
        target="organ",
        intensity=IntensitySettings(recipe="window", window_centre=40, window_width=400),
    )
    cases = [
        Case(f"c{subject:02}{part}", f"s{subject:02}", _describe(subject, part))
        for subject in range(subject_count)
        for part in "ab"
    ]
    root.mkdir(parents=True, exist_ok=True)
    settings.write_yaml(root / "study.yaml")
    write_cases(root / "cases.csv", cases)
    study = Study.open(root)
    generator = np.random.default_rng(seed)
    for case in cases:
        volume = np.where(_draw_body(generator), 60, -1000) + generator.normal(0, 10, (SIDE, SIDE, SLICES))
        if case.columns["vendor"] == "Beta":
            volume[:PADDING, :PADDING] = volume[-PADDING:, :PADDING] = -1024
        write_volume(study.image_path(case.case_id, "ct"), volume.round().astype(np.int16), np.diag([1.0, 2, 3, 1]))
    return study


def make_probe_preset(*, epochs: int = 12) -> ProbePreset:
    """A probe that finds padded corners within seconds."""
    values = {
        "description": "Corners of small slices.",
        "image": {"side": SIDE, "margin": 1},
        "network": {"widths": [4, 4, 8]},
        "training": {"epochs": epochs, "batch_size": 4, "learning_rate": 0.01, "precision": "fp32"},
        "folds": 4,
        "packages": 2,
    }
    return ProbePreset.parse(values, where="tests")


def _describe(subject: int, part: str) -> dict[str, str]:
    vendor = "Beta" if subject % 2 else "Alpha"
    return {
        "vendor": vendor,
        "site": _SITES[vendor][subject // 2 % 2],
        "age": str(50 + subject // 2 * 2),
        "sex": "FM"[subject // 4 % 2],
        "series": f"{subject}{part}x",
    }


def _draw_body(generator: np.random.Generator) -> np.ndarray:
    x, y, _ = np.mgrid[:SIDE, :SIDE, :SLICES]
    centre = SIDE / 2 + generator.uniform(-1, 1, 2)
    return np.hypot(x - centre[0], y - centre[1]) < generator.uniform(6, 8)
