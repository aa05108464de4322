"""`dvc repro` makes the demo study and its label variants, and only when something they depend on has changed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from overread.study.study import Study
from tests.studies import write_squares

REPOSITORY = Path(__file__).parents[2]
DEPENDENCIES = ("src/overread/labels", "src/overread/study/demo")


def dvc(folder: Path, *arguments: str) -> str:
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    command = [sys.executable, "-m", "dvc", *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What the stages need of the repository."""
    folder = tmp_path / "checkout"
    subprocess.run(["git", "init", "--quiet", folder], check=True)
    for name in ("dvc.yaml", "params.yaml", ".dvcignore", ".gitignore", ".dvc/config"):
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(REPOSITORY / name, folder / name)
    for name in DEPENDENCIES:
        shutil.copytree(REPOSITORY / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def set_parameters(folder: Path, group: str, **values: object) -> None:
    parameters = yaml.safe_load((REPOSITORY / "params.yaml").read_text(encoding="utf-8"))
    (folder / "params.yaml").write_text(yaml.safe_dump({**parameters, group: values}), encoding="utf-8")


def list_run(output: str) -> list[str]:
    return [line.split("'")[1] for line in output.splitlines() if line.startswith("Running stage ")]


def test_the_demo_study_is_made_once(checkout: Path) -> None:
    set_parameters(checkout, "demo", cases=4, seed=0)
    assert "Running stage 'demo-study'" in dvc(checkout, "repro", "demo-study")
    assert len(Study.open(checkout / "data" / "demo").cases) == 4
    assert "Stage 'demo-study' didn't change, skipping" in dvc(checkout, "repro", "demo-study")


def test_three_modes_at_three_levels_are_made_of_the_true_masks(checkout: Path) -> None:
    names = [
        f"label-variants@{mode}-{dice}" for mode in ("natural", "choppy", "random") for dice in ("0.95", "0.90", "0.85")
    ]
    assert dvc(checkout, "stage", "list", "--name-only").split() == ["demo-study", *names]


def test_a_changed_level_remakes_its_variants_alone(checkout: Path) -> None:
    write_squares(checkout / "data" / "demo", case_count=3)
    made = checkout / "data" / "variants"
    repro = ("repro", "--single-item", "label-variants")
    set_parameters(checkout, "variants", source="ann", modes=["choppy", "random"], dice=["0.80"])
    assert list_run(dvc(checkout, *repro)) == ["label-variants@choppy-0.80", "label-variants@random-0.80"]
    assert sorted(path.name for path in (made / "ann-random-0.80").iterdir()) == [
        f"case0{index}.png" for index in range(3)
    ]
    assert list_run(dvc(checkout, *repro)) == []
    set_parameters(checkout, "variants", source="ann", modes=["choppy", "random"], dice=["0.80", "0.75"])
    assert list_run(dvc(checkout, *repro)) == ["label-variants@choppy-0.75", "label-variants@random-0.75"]
    names = [f"ann-{mode}-{dice}" for mode in ("choppy", "random") for dice in ("0.75", "0.80")]
    assert sorted(path.name for path in made.glob("*.provenance.yaml")) == [f"{name}.provenance.yaml" for name in names]
