"""The story of a study that grows, told with real parts: git, DVC on S3, MLflow on PostgreSQL, Prometheus, Pushgateway.

The tests of this module are the chapters of one story, in order; each begins where the one before ended. What happens
is what `make demo-retrain` shows, by its own code, on smaller scans.
"""

import os
import re
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from examples import retraining
from overread.adapters.model_registry import connect_registry
from overread.adapters.registry_records import NetworkVersion
from overread.adapters.storage import open_store
from overread.study.digest import compute_images_digest, compute_source_digest, compute_study_digest
from overread.study.splits import is_held_out
from overread.study.study import Study
from tests.conftest import REPOSITORY
from tests.monitoring.prometheus_server import Prometheus, poll, running_prometheus
from tests.monitoring.rules import JOBS, write_rules
from tests.pipelines.conftest import draw_disc
from tests.servers import S3Server, running_pushgateway

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

CASES = tuple(f"c{number:02}" for number in range(24))
LEARNT = tuple(case for case in CASES if not is_held_out(case))
HELD_OUT = tuple(case for case in CASES if is_held_out(case))
MARGINS = {"tight": -1, "wide": 1, "later": 1.5}
"""Pixels by which each source outlines more than the disc; `later` is what wide sees at a second look."""
STORE = "s3://results/story"
QUICK_SECONDS = 15
PRESET = """
description: small discs
network: {architecture: unet, channels: [4, 8], residual_units: 0}
training:
  epochs: 30
  steps_per_epoch: 12
  batch_size: 4
  learning_rate: 0.02
  loss: dice_cross_entropy
  patience: 30
  sampling: {patch_size: [32, 32]}
"""


@dataclass(frozen=True, kw_only=True)
class Story(retraining.Story):
    """The story of `make demo-retrain` where annotators and retraining have a clone each, and servers everything else.

    Attributes:
        environment: what commands read from it.
        prometheus: watches.
    """

    environment: Mapping[str, str]
    prometheus: Prometheus

    def list_checkpoints(self) -> list[str]:
        names = open_store(STORE)._blobs.list_names("trainings/")
        return sorted(name for name in names if name.endswith("checkpoint.pt"))

    def versions(self, source: str) -> tuple[NetworkVersion, ...]:
        return connect_registry().list_versions(f"discs-{source}")

    def champion(self, source: str) -> NetworkVersion:
        (champion,) = [version for version in self.versions(source) if "champion" in version.aliases]
        return champion

    def count_trainings(self, source: str) -> int:
        from mlflow import MlflowClient

        client = MlflowClient(self.environment["MLFLOW_TRACKING_URI"])
        experiment = client.get_experiment_by_name("discs")
        found = client.search_runs([experiment.experiment_id], f"tags.source = '{source}'", max_results=1000)
        return len(found)

    def head(self) -> str:
        return call("git", "-C", str(self.study), "rev-parse", "HEAD").strip()


class Teller:
    """Tells chapters, and hears what their commands print."""

    def __init__(self, capfd: pytest.CaptureFixture[str]) -> None:
        self._capfd = capfd

    def __call__(self, chapter: Callable[..., None], *arguments: object) -> str:
        self._capfd.readouterr()
        chapter(*arguments)
        return self._capfd.readouterr().out


@pytest.fixture
def tell(capfd: pytest.CaptureFixture[str]) -> Teller:
    return Teller(capfd)


def call(*command: str, folder: Path = REPOSITORY) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def overread(*arguments: str) -> str:
    return call(sys.executable, "-m", "overread.cli", *arguments)


def measure_children() -> float:
    """Processor seconds of all processes that this one has started and that have ended, and of theirs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def write_png(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels.astype(np.uint8)).save(path)


def write_data_set(folder: Path) -> None:
    generator = np.random.default_rng(0)
    for number, case in enumerate(CASES):
        radius = 6 + number % 5
        pixels = 60 + 120 * draw_disc(radius) + generator.normal(0, 8, (32, 32))
        write_png(folder / "images" / f"{case}.png", pixels)
        for source, wider in MARGINS.items():
            write_png(folder / "labels" / source / f"{case}.png", draw_disc(radius + wider) * 255)


def make_study(folder: Path) -> None:
    """The annotators' study `discs`, and `retrained`, a clone without data; both meet in `origin.git`."""
    study, origin = str(folder / "discs"), str(folder / "origin.git")
    write_data_set(folder / "raw")
    overread("study", "import", str(folder / "raw"), study, "--remote", "s3://studies/story")
    call("git", "clone", "--quiet", "--bare", study, origin)
    call("git", "remote", "add", "origin", origin, folder=folder / "discs")
    call("git", "fetch", "--quiet", "origin", folder=folder / "discs")
    call("git", "branch", "--quiet", "--set-upstream-to=origin/main", "main", folder=folder / "discs")
    call("git", "clone", "--quiet", origin, str(folder / "retrained"))


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory, s3_server: S3Server, mlflow_url: str) -> Iterator[Story]:
    folder = tmp_path_factory.mktemp("story")
    environment = {**s3_server.environment, "MLFLOW_TRACKING_URI": mlflow_url, "OVERREAD_STORE": STORE}
    environment |= {"GIT_CONFIG_GLOBAL": os.devnull, "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
    environment |= {
        f"GIT_{role}_{what}": f"annotator{at}"
        for role in ("AUTHOR", "COMMITTER")
        for what, at in (("NAME", ""), ("EMAIL", "@localhost"))
    }
    preset = folder / "preset.yaml"
    preset.write_text(PRESET)
    (folder / "prometheus").mkdir()
    with running_pushgateway() as gateway:
        environment["PUSHGATEWAY_URL"] = gateway
        scrape = {JOBS["pushgateway"]: gateway.removeprefix("http://")}
        watching = running_prometheus(
            folder / "prometheus", scrape, write_rules(folder), scrape_interval="1s", evaluation_interval="1s"
        )
        with watching as prometheus:
            with pytest.MonkeyPatch.context() as patch:
                set_environment(patch, environment)
                make_study(folder)
            yield Story(
                study=folder / "discs",
                retrained=folder / "retrained",
                settings=(f"preset={preset}", "sources=tight,wide"),
                source="wide",
                second_look="later",
                environment=environment,
                prometheus=prometheus,
            )


def set_environment(patch: pytest.MonkeyPatch, values: Mapping[str, str]) -> None:
    """Give commands these values and nothing else of those that matter to them."""
    for name in list(os.environ):
        if name.startswith(("MLFLOW_", "AWS_", "OVERREAD_", "GIT_")):
            patch.delenv(name)
    for name, value in values.items():
        patch.setenv(name, value)


@pytest.fixture(autouse=True)
def _surroundings(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test itself looks where the commands look."""
    set_environment(monkeypatch, story.environment)


def names_of(alerts: Sequence[object]) -> set[tuple[str, str]]:
    return {(alert.name, alert.labels.get("source", "")) for alert in alerts if alert.state == "firing"}


def test_1_first_trainings_become_champions(story: Story, tell: Teller) -> None:
    assert 5 <= len(HELD_OUT) < len(LEARNT)
    output = tell(retraining.train_first, story)
    assert "discs-tight version 1: is champion" in output
    assert "discs-wide version 1: is champion" in output
    assert story.champion("tight").origin.revision == story.champion("wide").origin.revision == story.head()


def test_2_nothing_new_trains_nothing_within_seconds(story: Story, tell: Teller) -> None:
    trainings, began = [story.count_trainings(source) for source in ("tight", "wide")], measure_children()
    assert "nothing was trained" in tell(retraining.find_nothing_new, story)
    assert measure_children() - began < QUICK_SECONDS
    assert [story.count_trainings(source) for source in ("tight", "wide")] == trainings


def test_3_new_annotations_of_one_source_retrain_that_source_alone(story: Story, tell: Teller) -> None:
    before = story.count_trainings("tight")
    output = tell(retraining.look_at_some_again, story)
    assert "discs-wide version 2: on hold until a human decides, version 1 stays champion." in output
    assert "Only 4 held-out subjects count, and with fewer than 5 nothing can be told." in output
    assert "overread model promote discs-wide --version 2" in output
    assert "overread model refuse discs-wide --version 2" in output
    assert "discs-tight: nothing new; champion is version 1" in output
    assert story.count_trainings("tight") == before
    assert len(story.versions("tight")) == 1
    assert story.champion("wide").version == 1
    poll(lambda: names_of(story.prometheus.alerts()), lambda found: ("OverreadChallengerOnHold", "wide") in found)


def test_3a_a_human_ends_the_hold(story: Story, tell: Teller) -> None:
    assert "discs-wide version 2 is champion in place of version 1" in tell(retraining.decide_by_hand, story)
    champion = story.champion("wide")
    assert [event.action for event in champion.history] == ["held", "promoted"]
    assert champion.promotion.reason == "The second look is right"


def test_4_a_poisoned_batch_is_refused_and_an_alert_fires(story: Story, tell: Teller) -> None:
    output = tell(retraining.spoil_a_batch, story)
    assert re.search(r"discs-wide version 3: refused, version 2 stays champion\. .*Its Dice is lower", output)
    assert story.champion("wide").version == 2
    assert story.versions("wide")[0].aliases == ("challenger",)
    poll(lambda: names_of(story.prometheus.alerts()), lambda found: ("OverreadChallengerRefused", "wide") in found)
    assert ("OverreadChallengerOnHold", "wide") not in names_of(story.prometheus.alerts())


def test_5_other_bounds_judge_a_refused_network_again_without_another_training(story: Story, tell: Teller) -> None:
    before = story.count_trainings("wide")
    stricter = replace(story, settings=(*story.settings, "dice_margin=0.02"))
    output = tell(stricter.retrain)
    assert "unet-wide-fold0-repeat0: reused" in output
    assert "discs-wide version 3: refused" in output
    assert story.count_trainings("wide") == before


def test_6_a_batch_that_is_taken_back_leaves_the_champion_and_trains_nothing(story: Story, tell: Teller) -> None:
    assert "discs-wide: nothing new; champion is version 2" in tell(retraining.take_the_batch_back, story)


def test_7_a_run_that_was_killed_goes_on_and_leaves_one_champion(story: Story, tell: Teller) -> None:
    before = story.count_trainings("wide")
    output = tell(retraining.lose_power, story)
    killed, resumed = output.split("(killed)")
    assert "version 4" not in killed, "the run was over before it could be killed"
    assert "discs-wide version 4: is champion" in resumed
    assert story.count_trainings("wide") == before + 1
    assert story.list_checkpoints() == []
    poll(lambda: names_of(story.prometheus.alerts()), lambda found: ("OverreadChallengerRefused", "wide") not in found)


def test_8_two_runs_at_once_train_once(story: Story, tell: Teller) -> None:
    before = story.count_trainings("wide")
    output = tell(retraining.run_two_at_once, story)
    assert output.count("discs-wide version 5: is champion") == 2
    assert output.count("unet-wide-fold0-repeat0: reused") == 1
    assert story.count_trainings("wide") == before + 1
    assert [version.version for version in story.versions("wide")] == [5, 4, 3, 2, 1]
    assert story.champion("wide").version == 5


def test_9_a_champion_is_traced_to_the_very_bytes(story: Story, tell: Teller, tmp_path: Path) -> None:
    printed = tell(retraining.ask_where_the_champion_comes_from, story)
    origin = story.champion("wide").origin
    for part in (origin.revision, origin.study_digest, origin.code_commit, "steps_per_epoch: 12", "small discs"):
        assert part in printed
    assert f"git clone {story.retrained} {story.retrained}-copy" in printed
    clone, checkout, pull = re.findall(r"^  (git clone .*|git -C .*|\(cd .*\))$", printed, re.MULTILINE)
    for command in (clone, checkout, pull):
        call("bash", "-c", command.replace("dvc pull", f"{sys.executable} -m dvc pull"), folder=tmp_path)
    study = Study.open(Path(f"{story.retrained}-copy"))
    digests = {"wide": compute_source_digest(study, "wide")}
    assert compute_study_digest(compute_images_digest(study), digests) == origin.study_digest


def test_10_humans_promote_and_roll_back_with_a_reason(story: Story, tell: Teller) -> None:
    signed = ("--by", "Ann", "--reason")
    promoted = overread("model", "promote", "discs-wide", "--version", "3", *signed, "shifted on purpose")
    assert promoted == "discs-wide version 3 is champion in place of version 5\n"
    rolled_back = overread("model", "rollback", "discs-wide", *signed, "a mistake")
    assert rolled_back.startswith("discs-wide version 5 is champion again")
    assert story.champion("wide").version == 5
    history = overread("model", "trace", "discs-wide@3")
    assert "promoted by Ann: shifted on purpose" in history
    assert "demoted by Ann: a mistake" in history
    assert "nothing was trained" in tell(story.retrain)
