"""The wheel, in a virtual environment outside of any checkout: what a user installs imports, runs and reports."""

import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from overread.kubeflow.catalogue import PIPELINES
from tests.conftest import REPOSITORY
from tests.pipelines.conftest import write_raw_data

pytestmark = pytest.mark.slow


def call(*command: str | Path, folder: Path) -> str:
    done = subprocess.run([*map(str, command)], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the commands of an environment that has the wheel, and finds what it depends on where the tests do."""
    home = tmp_path_factory.mktemp("installed")
    call(sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", home, folder=REPOSITORY)
    (wheel,) = home.glob("*.whl")
    venv.create(home / "env", with_pip=True, symlinks=True)
    commands = home / "env" / "bin"
    call(commands / "python", "-m", "pip", "install", "--no-deps", "--no-index", "--quiet", wheel, folder=home)
    places = call(commands / "python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", folder=home)
    # A folder named in a .pth file is searched, its own .pth files are not read: the checkout stays unseen.
    (Path(places.strip()) / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return commands


def test_the_checkout_is_not_what_is_imported(installed: Path, tmp_path: Path) -> None:
    found = call(installed / "python", "-c", "import overread; print(overread.__file__)", folder=tmp_path)
    assert Path(found.strip()).is_relative_to(installed.parent)


def test_rater_bias_runs_from_an_empty_folder(installed: Path, preset: Path, tmp_path: Path) -> None:
    write_raw_data(tmp_path / "raw", cases=4)
    call(installed / "overread", "study", "import", "raw", "discs", folder=tmp_path)
    design = ("folds=2", "repeats=1", "epochs=1")
    choices = (f"preset={preset}", *design, "mix_ratios=", "consensus=", "classifier=false")
    printed = call(installed / "overread", "run", "rater-bias", "discs", "--set", *choices, folder=tmp_path)
    assert printed.strip().splitlines()[-1] == "report: discs/.overread/latest/rater-bias/report.html"
    assert "network-tight" in (tmp_path / "discs/.overread/latest/rater-bias/report.html").read_text()


def test_every_pipeline_is_listed(installed: Path, tmp_path: Path) -> None:
    listed = call(installed / "overread", "run", "--list", folder=tmp_path)
    assert [line.split(":")[0] for line in listed.splitlines() if not line.startswith(" ")] == list(PIPELINES)
