"""`dvc repro` makes the demo study, and only when something it depends on has changed."""

import os
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]


def repro(folder: Path) -> str:
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        [sys.executable, "-m", "dvc", "repro"], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_demo_study_is_made_once(tmp_path):
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", REPOSITORY, clone], check=True)
    assert "Running stage 'demo-study'" in repro(clone)
    assert (clone / "data" / "demo" / "study.yaml").is_file()
    assert "Stage 'demo-study' didn't change, skipping" in repro(clone)
