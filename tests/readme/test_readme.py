"""Every command of the README, in a fresh clone.

The demo is made and judged in full. The other commands are run as typed, in the same clone, on a demo study of few
scans and with presets that learn little from it.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from overread.questions.rater_bias.results import CrossEvaluation
from tests.conftest import REPOSITORY

RUN_BY_THE_GATE = ("make test",)
OF_THE_OUTER_COMMAND = ("VIRTUAL_ENV", "PYTHONPATH", "MAKEFLAGS", "MAKELEVEL", "MFLAGS")
DEMO_RESULTS = Path("demo/.overread/latest/rater-bias")
FEW_CASES = 10
"""4 have a relapse, one for each fold of the analysis, and 2 of the 8 subjects are held out from retraining."""
SHORT = {
    "network": {"channels": [4, 8], "residual_units": 0},
    "training": {"epochs": 2, "steps_per_epoch": 2},
    "classifier": {"patch_size": [8, 8, 8], "features": [4, 8], "epochs": 1, "steps_per_epoch": 2},
}

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


def read_commands() -> list[str]:
    blocks = re.findall(r"^```console\n(.*?)^```", (REPOSITORY / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line not in RUN_BY_THE_GATE]


def run_script(lines: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name not in OF_THE_OUTER_COMMAND}
    script = "set -eu\n" + "\n".join(lines)
    done = subprocess.run(
        ["bash", "-c", script], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done


def shorten_preset(path: Path) -> None:
    preset = yaml.safe_load(path.read_text())
    for part, values in SHORT.items():
        preset[part] = {**preset.get(part, {}), **values}
    path.write_text(yaml.safe_dump(preset))


@pytest.fixture(scope="module")
def clone(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("clone") / "overread"
    subprocess.run(["git", "clone", "--quiet", REPOSITORY, folder], check=True)
    return folder


@pytest.fixture(scope="module")
def demo(clone) -> str:
    return run_script(["make demo"], clone).stdout


def test_the_demo_shows_what_the_paper_found(clone, demo):
    evaluation = CrossEvaluation.model_validate_json(
        (clone / DEMO_RESULTS / "cross_evaluation" / "evaluation.json").read_text()
    )
    assert evaluation.verdict == "yes"
    (pair,) = evaluation.pairs
    assert pair.network_order.consistency >= pair.source_order.consistency
    assert (clone / DEMO_RESULTS / "report.html").is_file()
    assert demo.strip().splitlines()[-1].endswith("report.html")


@pytest.mark.usefixtures("demo")
def test_a_second_demo_reuses_everything(clone):
    done = run_script(["make demo"], clone)
    reused = [line for line in done.stdout.splitlines() if line.endswith(": reused")]
    assert len(reused) == 6 + 6, "networks, and source classifiers of true and of shuffled sources"
    assert "validation Dice" not in done.stdout


def test_every_command_works_as_typed(clone):
    for folder in ("demo", "demo.dvc-remote"):
        shutil.rmtree(clone / folder, ignore_errors=True)
    for name in ("demo", "small-3d"):
        shorten_preset(clone / "src" / "overread" / "training" / "presets" / f"{name}.yaml")
    commands = read_commands()
    assert commands[0] == "make demo"
    assert len(commands) > 5
    run_script(["make env", f".venv/bin/overread study demo demo --cases {FEW_CASES}", *commands], clone)
