"""What `make` says of retraining before anything is trained; `tests/services/test_retraining_story.py` trains."""

import subprocess

from tests.conftest import REPOSITORY


def test_make_retrain_once_asks_for_a_study() -> None:
    made = subprocess.run(["make", "retrain-once"], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert made.returncode == 2
    assert "STUDY=" in made.stderr
