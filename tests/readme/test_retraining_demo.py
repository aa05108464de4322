"""The story that `make demo-retrain` tells."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]

CHAPTERS = (
    r"demo-rater1 version 1: is champion",
    r"demo-rater2 version 1: is champion",
    r"nothing new at revision \w+, nothing was trained",
    r"demo-rater2 version 2: is champion",
    r"demo-rater2 version 3: refused, version 2 stays champion\. Its Dice is lower",
    r"demo-rater2 version 3 @challenger",
    r"nothing new at revision \w+, nothing was trained",
    r"\(killed\)",
    r"demo-rater2 version 4: is champion",
    r"demo-rater2 version 5: is champion",
    r"demo-rater2 version 5: is champion",
    r"demo-rater2 version 5 @challenger @champion|demo-rater2 version 5 @champion @challenger",
)


def test_the_story_of_retraining_ends_as_it_should(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "examples.retraining", str(tmp_path / "story")]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=1400, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    place = 0
    for chapter in CHAPTERS:
        found = re.compile(chapter).search(done.stdout, place)
        assert found, f"{chapter} is missing in:\n{done.stdout[place:][:3000]}"
        place = found.end()
    print(done.stdout.splitlines()[-1])
