"""A question that Overread does not have needs its own files and one line of the catalogue, nothing else.

`tests/seventh_question` holds those files at the places that they have in a checkout.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from google.protobuf import json_format
from kfp.pipeline_spec.pipeline_spec_pb2 import PipelineSpec

from tests.architecture.test_components_are_thin import find_misplaced
from tests.architecture.test_rooms import find_trespasses
from tests.pipelines.conftest import REPOSITORY, draw_disc

QUESTION = Path(__file__).parents[1] / "seventh_question"
CATALOGUE = "src/overread/kubeflow/catalogue.py"
HOMES = ("src/overread/questions/mask_size", "components/mask_size", "pipelines/mask_size.py")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the code with the question added; bytecode comes along, so that it starts as fast as the original."""
    root = tmp_path_factory.mktemp("checkout")
    for folder in ("src", "components", "pipelines"):
        shutil.copytree(REPOSITORY / folder, root / folder)
    for path in list_files(QUESTION):
        assert not (root / path).exists(), f"{path} is there already"
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(QUESTION / path, root / path)
    catalogue = root / CATALOGUE
    (line,) = [line for line in catalogue.read_text().splitlines() if line.startswith("NAMES = ")]
    catalogue.write_text(catalogue.read_text().replace(line, line.replace(")", ', "mask-size")')))
    call(root, "pipelines", "compile", "mask-size")
    return root


def list_files(folder: Path) -> list[Path]:
    found = [path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return [path.relative_to(folder) for path in found]


def call(root: Path, module: str, *arguments: str | Path) -> list[str]:
    environment = os.environ | {"PYTHONPATH": str(root / "src")}
    command = [sys.executable, "-m", module, *map(str, arguments)]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout.strip().splitlines()


def test_the_question_has_files_in_its_own_homes_only():
    assert [path for path in list_files(QUESTION) if not path.as_posix().startswith(HOMES)] == []


def test_its_package_is_one_that_kubeflow_reads(checkout):
    package = checkout / "src/overread/kubeflow/packages/mask-size.yaml"
    document = next(yaml.safe_load_all(package.read_text()))
    json_format.ParseDict(document, PipelineSpec())
    assert set(document["root"]["dag"]["tasks"]) == {"fetch-study", "measure-sizes"}


def test_it_keeps_the_rules_of_rooms(checkout):
    assert find_trespasses(checkout / "src/overread/questions") == []
    graphs = {path.stem: path.read_text() for path in (checkout / "pipelines").glob("*.py")}
    assert find_misplaced({"measure_sizes": "mask_size"}, graphs) == []


def test_it_is_listed_runs_reports_and_is_tracked(checkout, study):
    assert "mask-size: Do the raters outline equally much?" in call(checkout, "overread.cli", "run", "--list")
    printed = call(checkout, "overread.cli", "run", "mask-size", study)
    tight, wide = (np.mean([draw_disc(6 + case + margin).sum() for case in range(6)]) for margin in (-1, 1))
    assert printed[-4:-2] == [f"tight: {tight:.1f} px²", f"wide: {wide:.1f} px²"]
    page = Path(printed[-1].removeprefix("report: "))
    assert page == study / ".overread/latest/mask-size/report.html"
    assert f"The largest mean is {wide / tight:.2f} times the smallest" in page.read_text()
    assert list_runs(study) == [("mask-size", "FINISHED", {"size_ratio": pytest.approx(wide / tight)})]


def list_runs(study: Path) -> list[tuple[str, str, dict[str, float]]]:
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{study / '.overread' / 'mlflow.db'}")
    runs = client.search_runs([client.get_experiment_by_name("discs").experiment_id])
    return [(run.info.run_name, run.info.status, run.data.metrics) for run in runs]
