"""Every command of the README, in a fresh clone."""

import os
import re
import subprocess
import time
from pathlib import Path

import pytest

from overread.questions.rater_bias.results import CrossEvaluation

REPOSITORY = Path(__file__).parents[2]
RUN_BY_THE_GATE = ("make test",)
OF_THE_OUTER_COMMAND = ("VIRTUAL_ENV", "PYTHONPATH", "MAKEFLAGS", "MAKELEVEL", "MFLAGS")
DEMO_RESULTS = Path("demo/.overread/latest/rater-bias")
MOST_SECONDS_AGAIN = 60

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3300)]


def read_commands() -> list[str]:
    blocks = re.findall(r"^```console\n(.*?)^```", (REPOSITORY / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line not in RUN_BY_THE_GATE]


def run_script(lines: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name not in OF_THE_OUTER_COMMAND}
    script = "set -eu\n" + "\n".join(lines)
    return subprocess.run(
        ["bash", "-c", script], cwd=folder, env=environment, capture_output=True, text=True, timeout=3000, check=False
    )


@pytest.fixture(scope="module")
def clone(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("clone") / "overread"
    subprocess.run(["git", "clone", "--quiet", REPOSITORY, folder], check=True)
    return folder


@pytest.fixture(scope="module")
def demo(clone) -> str:
    done = run_script(["make demo"], clone)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def test_the_demo_shows_what_the_paper_found(clone, demo):
    evaluation = CrossEvaluation.model_validate_json(
        (clone / DEMO_RESULTS / "cross_evaluation" / "evaluation.json").read_text()
    )
    assert evaluation.dice_gap.low > 0
    (pair,) = evaluation.pairs
    assert pair.network_order.consistency >= pair.source_order.consistency
    assert (clone / DEMO_RESULTS / "report.html").is_file()
    assert demo.strip().splitlines()[-1].endswith("report.html")


@pytest.mark.usefixtures("demo")
def test_a_second_demo_reuses_everything(clone):
    started = time.monotonic()
    done = run_script(["make demo"], clone)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(": reused") == 6
    assert "validation Dice" not in done.stdout
    assert time.monotonic() - started < MOST_SECONDS_AGAIN


@pytest.mark.usefixtures("demo")
def test_every_other_command_works_as_typed(clone):
    commands = [line for line in read_commands() if line != "make demo"]
    assert len(commands) > 5
    done = run_script(commands, clone)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
