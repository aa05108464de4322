"""The story of a study that grows, told with real parts: git, DVC on S3, MLflow on PostgreSQL, Prometheus, Pushgateway.

The tests of this module are the chapters of one story, in order; each begins where the one before ended.
"""

import os
import re
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

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
SHIFT = 5
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


@dataclass
class Story:
    """Where everything is.

    Attributes:
        annotators: the clone of the study that annotators work in.
        retrainer: the clone that is retrained from; it holds no data of its own.
        preset: settings of the trainings.
        environment: of every command.
        scratch: folder of the local runs.
        prometheus: watches.
        durations: processor seconds of each retraining, which other tests on the machine change little; its tasks run
            one after the other, so that it takes about as long where it is alone.
    """

    annotators: Path
    retrainer: Path
    preset: Path
    environment: dict[str, str]
    scratch: Path
    prometheus: Prometheus
    durations: list[float] = field(default_factory=list)

    def call(self, *command: str, folder: Path | None = None) -> str:
        done = subprocess.run(
            command, cwd=folder or REPOSITORY, env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def overread(self, *arguments: str) -> str:
        return self.call(sys.executable, "-m", "overread.cli", *arguments)

    def begin_retraining(self, workspace: str) -> "subprocess.Popen[str]":
        self.call("git", "pull", "--quiet", folder=self.retrainer)
        command = [sys.executable, "-m", "pipelines", "run", "retrain", "--study", str(self.retrainer)]
        command += ["--workspace", str(self.scratch / workspace), "--set", f"preset={self.preset}"]
        (self.scratch / workspace).mkdir(exist_ok=True)
        pipe = subprocess.PIPE
        return subprocess.Popen(
            command, cwd=REPOSITORY, env=self.environment, stdout=pipe, stderr=pipe, text=True, start_new_session=True
        )

    def retrain(self, workspace: str = "run") -> str:
        before = measure_children()
        process = self.begin_retraining(workspace)
        output, errors = process.communicate(timeout=600)
        self.durations.append(measure_children() - before)
        assert process.returncode == 0, output + errors
        return output

    def annotate(self, source: str, masks: dict[str, np.ndarray]) -> str:
        folder = self.scratch / "delivered"
        for case, mask in masks.items():
            write_png(folder / f"{case}.png", mask * 255)
        printed = self.overread(
            "study", "add", str(self.annotators), "--source", source, str(folder), "--replace", "--message", "New masks"
        )
        for path in folder.iterdir():
            path.unlink()
        return printed

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
        return self.call("git", "rev-parse", "HEAD", folder=self.annotators).strip()


def measure_children() -> float:
    """Processor seconds of all processes that this one has started and that have ended, and of theirs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def write_png(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels.astype(np.uint8)).save(path)


def draw_mask(case: str, *, wider: float) -> np.ndarray:
    return draw_disc(6 + CASES.index(case) % 5 + wider)


def write_data_set(folder: Path) -> None:
    generator = np.random.default_rng(0)
    for case in CASES:
        write_png(
            folder / "images" / f"{case}.png", 60 + 120 * draw_mask(case, wider=0) + generator.normal(0, 8, (32, 32))
        )
        write_png(folder / "labels" / "tight" / f"{case}.png", draw_mask(case, wider=-1) * 255)
        write_png(folder / "labels" / "wide" / f"{case}.png", draw_mask(case, wider=1) * 255)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory, s3_server: S3Server, mlflow_url: str) -> Iterator[Story]:
    folder = tmp_path_factory.mktemp("story")
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("MLFLOW_", "AWS_", "OVERREAD_", "GIT_"))
    }
    environment |= {**s3_server.environment, "MLFLOW_TRACKING_URI": mlflow_url, "OVERREAD_STORE": "s3://results/story"}
    environment |= {"GIT_CONFIG_GLOBAL": os.devnull, "OMP_NUM_THREADS": "1"}
    environment |= {
        f"GIT_{role}_{what}": f"annotator{at}"
        for role in ("AUTHOR", "COMMITTER")
        for what, at in (("NAME", ""), ("EMAIL", "@localhost"))
    }
    (folder / "preset.yaml").write_text(PRESET)
    write_data_set(folder / "raw")
    (folder / "prometheus").mkdir()
    (folder / "work").mkdir()
    with running_pushgateway() as gateway:
        scrape = {JOBS["pushgateway"]: gateway.removeprefix("http://")}
        with running_prometheus(folder / "prometheus", scrape, write_rules(folder)) as prometheus:
            environment["PUSHGATEWAY_URL"] = gateway
            made = Story(
                folder / "discs", folder / "retrainer", folder / "preset.yaml", environment, folder / "work", prometheus
            )
            made.overread(
                "study", "import", str(folder / "raw"), str(folder / "discs"), "--remote", "s3://studies/story"
            )
            made.call("git", "clone", "--quiet", "--bare", str(folder / "discs"), str(folder / "origin.git"))
            made.call("git", "remote", "add", "origin", str(folder / "origin.git"), folder=folder / "discs")
            made.call("git", "fetch", "--quiet", "origin", folder=folder / "discs")
            made.call("git", "branch", "--quiet", "--set-upstream-to=origin/main", "main", folder=folder / "discs")
            made.call("git", "clone", "--quiet", str(folder / "origin.git"), str(folder / "retrainer"))
            yield made


@pytest.fixture(autouse=True)
def _surroundings(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test itself looks where the commands look."""
    for name in (
        "MLFLOW_TRACKING_URI",
        "PUSHGATEWAY_URL",
        "OVERREAD_STORE",
        *(n for n in story.environment if n.startswith("AWS_")),
    ):
        monkeypatch.setenv(name, story.environment[name])


def names_of(alerts: Sequence[object]) -> set[tuple[str, str]]:
    return {(alert.name, alert.labels.get("source", "")) for alert in alerts if alert.state == "firing"}


def test_1_first_trainings_become_champions(story: Story) -> None:
    assert 5 <= len(HELD_OUT) < len(LEARNT)
    output = story.retrain()
    assert "discs-tight version 1: is champion" in output
    assert "discs-wide version 1: is champion" in output
    assert story.champion("tight").origin.revision == story.champion("wide").origin.revision == story.head()


def test_2_nothing_new_trains_nothing_within_seconds(story: Story) -> None:
    before = story.count_trainings("tight"), story.count_trainings("wide")
    for _ in range(2):
        assert "nothing was trained" in story.retrain()
    assert (story.count_trainings("tight"), story.count_trainings("wide")) == before
    assert min(story.durations[-2:]) < QUICK_SECONDS


def test_3_new_annotations_of_one_source_retrain_that_source_alone(story: Story) -> None:
    before = story.count_trainings("tight")
    story.annotate("wide", {case: draw_mask(case, wider=1.5) for case in LEARNT[:4]})
    output = story.retrain()
    assert "discs-wide version 2: is champion" in output
    assert re.search(r"discs-tight: nothing new; champion is version 1", output)
    assert story.count_trainings("tight") == before
    assert len(story.versions("tight")) == 1
    assert story.champion("wide").promotion.replaces == 1


def test_4_a_poisoned_batch_is_refused_and_an_alert_fires(story: Story) -> None:
    good = story.head()
    story.annotate("wide", {case: np.roll(draw_mask(case, wider=1), SHIFT, axis=1) for case in LEARNT})
    output = story.retrain()
    assert re.search(r"discs-wide version 3: refused, version 2 stays champion. Its Dice is lower", output)
    assert story.champion("wide").version == 2
    assert story.versions("wide")[0].aliases == ("challenger",)
    poll(lambda: names_of(story.prometheus.alerts()), lambda found: ("OverreadChallengerRefused", "wide") in found)
    assert "nothing was trained" in story.retrain()
    story.call("git", "revert", "--no-edit", f"{good}..HEAD", folder=story.annotators)
    story.call(sys.executable, "-m", "dvc", "checkout", "--quiet", folder=story.annotators)
    story.call("git", "push", "--quiet", folder=story.annotators)
    assert "discs-wide: nothing new; champion is version 2" in story.retrain()


def test_5_a_run_that_was_killed_goes_on_and_leaves_one_champion(story: Story) -> None:
    store = open_store("s3://results/story")
    trained = store.list_keys("trainings")
    story.annotate("wide", {case: draw_mask(case, wider=1.5) for case in LEARNT[4:8]})
    before = story.count_trainings("wide")
    process = story.begin_retraining("killed")
    names = poll(lambda: list_checkpoints(), bool, seconds=120)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    kill_orphans(story)
    assert store.list_keys("trainings") == trained, "the run was over before it could be killed"
    assert list_checkpoints() == names
    output = story.retrain()
    assert "discs-wide version 4: is champion" in output
    assert story.count_trainings("wide") == before + 1
    assert list_checkpoints() == []
    poll(lambda: names_of(story.prometheus.alerts()), lambda found: ("OverreadChallengerRefused", "wide") not in found)


def test_6_two_runs_at_once_train_once(story: Story) -> None:
    story.annotate("wide", {case: draw_mask(case, wider=1.5) for case in LEARNT[8:12]})
    before = story.count_trainings("wide")
    processes = [story.begin_retraining(name) for name in ("one", "other")]
    outputs = [process.communicate(timeout=600) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], outputs
    assert all("discs-wide version 5: is champion" in output for output, _ in outputs), outputs
    assert sum(output.count("unet-wide-fold0-repeat0: reused") for output, _ in outputs) == 1
    assert story.count_trainings("wide") == before + 1
    assert [version.version for version in story.versions("wide")] == [5, 4, 3, 2, 1]
    assert story.champion("wide").version == 5


def test_7_a_champion_is_traced_to_the_very_bytes(story: Story, tmp_path: Path) -> None:
    printed = story.overread("model", "trace", "discs-wide@champion")
    origin = story.champion("wide").origin
    for part in (origin.revision, origin.study_digest, origin.code_commit, "steps_per_epoch: 12", "small discs"):
        assert part in printed
    assert f"git clone {story.retrainer} {story.retrainer}-copy" in printed
    clone, checkout, pull = re.findall(r"^  (git clone .*|git -C .*|\(cd .*\))$", printed, re.MULTILINE)
    for command in (clone, checkout, pull):
        story.call("bash", "-c", command.replace("dvc pull", f"{sys.executable} -m dvc pull"), folder=tmp_path)
    study = Study.open(Path(f"{story.retrainer}-copy"))
    digests = {"wide": compute_source_digest(study, "wide")}
    assert compute_study_digest(compute_images_digest(study), digests) == origin.study_digest


def test_8_humans_promote_and_roll_back_with_a_reason(story: Story) -> None:
    signed = ("--by", "Ann", "--reason")
    promoted = story.overread("model", "promote", "discs-wide", "--version", "3", *signed, "shifted on purpose")
    assert promoted == "discs-wide version 3 is champion in place of version 5\n"
    rolled_back = story.overread("model", "rollback", "discs-wide", *signed, "a mistake")
    assert rolled_back.startswith("discs-wide version 5 is champion again")
    assert story.champion("wide").version == 5
    history = story.overread("model", "trace", "discs-wide@3")
    assert "promoted by Ann: shifted on purpose" in history
    assert "demoted by Ann: a mistake" in history
    assert "nothing was trained" in story.retrain()


def list_checkpoints() -> list[str]:
    store = open_store("s3://results/story")
    names = store._blobs.list_names("trainings/")
    return sorted(name for name in names if name.endswith("checkpoint.pt"))


def kill_orphans(story: Story) -> None:
    """End what the killed run has left: kfp starts its tasks in groups of their own."""
    subprocess.run(["pkill", "-KILL", "-f", str(story.scratch)], check=False)
