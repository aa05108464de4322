"""Telemetry: pushed to a real Pushgateway and scraped from it; kept, and told later, where the Pushgateway fails."""

import logging
import shutil
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from overread.adapters import pushgateway
from overread.adapters.storage import ResultStore, open_store
from overread.adapters.telemetry import (
    GROUP_LABELS,
    METRICS,
    MetricGroup,
    TelemetryOutbox,
    push_metrics,
    remove_old_groups,
    tell_kept_metrics,
)
from overread.errors import InputError, SettingsError
from overread.questions.rater_bias.steps import cross_evaluate, write_report
from overread.runs import tracked_training
from overread.runs.described_training import DescribedTraining
from overread.runs.pipeline_run import AnalysisRun
from overread.runs.plan import TrainingPlan
from overread.runs.report_publishing import publish_report
from overread.runs.telemetry_trainings import tell_epoch
from overread.study.study import Study
from overread.training.history import Epoch, read_history
from tests.servers import LOOPBACK, BadServer, find_free_ports, running_mute, running_pushgateway, running_refuser
from tests.trainings import train, write_plan

LOSS, DICE, EPOCH = (f"overread_training_{name}" for name in ("loss", "validation_dice_ratio", "epochs"))
RUNNING = "overread_training_running"
EPOCHS = 3
PATIENCE_SECONDS = 0.4
PASSWORD = "s3cr3t"


@pytest.fixture(autouse=True)
def _new_process() -> None:
    """What a process knows of a Pushgateway must not outlive a test, for ports are used again."""
    pushgateway._connect.cache_clear()


@pytest.fixture
def store(tmp_path: Path) -> ResultStore:
    return open_store(str(tmp_path / "store"))


@pytest.fixture
def gateway(pushgateway_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("PUSHGATEWAY_URL", pushgateway_url)
    return pushgateway_url


@pytest.fixture
def closed_port(monkeypatch: pytest.MonkeyPatch) -> int:
    """A port that nothing listens to, where PUSHGATEWAY_URL expects a Pushgateway."""
    (port,) = find_free_ports(1)
    monkeypatch.setenv("PUSHGATEWAY_URL", f"http://{LOOPBACK}:{port}")
    return port


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pushgateway, "_PATIENCE_SECONDS", PATIENCE_SECONDS)


def make_group(study: str, source: str = "ann", **labels: str) -> MetricGroup:
    own = {"pipeline": "p", "study": study, "source": source, "network": "unet", "kind": "segmentation"}
    return MetricGroup("training", {**own, **labels})


def scrape(url: str, study: str) -> dict[tuple[str, str], float]:
    """What the Pushgateway shows Prometheus of a study, by metric and source."""
    return {
        (sample.name, sample.labels["source"]): sample.value
        for sample in list_samples(url)
        if sample.labels.get("study") == study and sample.name in METRICS
    }


def list_samples(url: str) -> list[Any]:
    return [sample for family in list_families(url) for sample in family.samples]


def list_families(url: str) -> list[Any]:
    with urllib.request.urlopen(f"{url}/metrics", timeout=10) as answer:
        return list(text_string_to_metric_families(answer.read().decode()))


class TestPush:
    def test_values_labels_and_help_reach_prometheus(self, gateway: str, store: ResultStore) -> None:
        group = make_group("values")
        push_metrics(store, group, {LOSS: 0.25, EPOCH: 3})

        families = {family.name: family for family in list_families(gateway)}
        assert families[LOSS].documentation == METRICS[LOSS].help
        assert families[LOSS].type == "gauge"
        (sample,) = [sample for sample in families[LOSS].samples if sample.labels["study"] == "values"]
        assert sample.value == 0.25
        assert sample.labels == {**group.labels, "job": "overread-training", "instance": ""}
        assert scrape(gateway, "values") == {(LOSS, "ann"): 0.25, (EPOCH, "ann"): 3}

    def test_a_later_push_replaces_values_of_its_group_alone(self, gateway: str, store: ResultStore) -> None:
        push_metrics(store, make_group("replaced"), {LOSS: 0.5, EPOCH: 1})
        push_metrics(store, make_group("replaced", "ben"), {LOSS: 0.75})
        push_metrics(store, make_group("replaced"), {EPOCH: 2})
        expected = {(LOSS, "ann"): 0.5, (EPOCH, "ann"): 2, (LOSS, "ben"): 0.75}
        assert scrape(gateway, "replaced") == expected

    @pytest.mark.parametrize(
        "source",
        [
            "a+0.50-b",
            "a/b",
            "/",
            "",
            "a b",
            "ä+ö/ü",
            "a%2Fb",
            "=",
            'say "a\\b"',
            "a;b#c?d=e&f",
            "two\nlines",
            "a/+b~?>",
        ],
    )
    def test_any_label_value_survives(self, gateway: str, store: ResultStore, source: str) -> None:
        push_metrics(store, make_group("labels", source), {LOSS: 1})
        assert (LOSS, source) in scrape(gateway, "labels")

    def test_what_is_not_a_number_is_left_out(self, gateway: str, store: ResultStore) -> None:
        push_metrics(store, make_group("nan"), {LOSS: float("nan"), DICE: float("inf")})
        push_metrics(store, make_group("nan", "ben"), {LOSS: float("nan")})
        assert scrape(gateway, "nan") == {(DICE, "ann"): float("inf")}

    def test_without_an_address_nothing_happens(self, store: ResultStore, tmp_path: Path) -> None:
        push_metrics(store, make_group("silent"), {LOSS: 1})
        tell_kept_metrics(store)
        assert remove_old_groups() == 0
        assert not (tmp_path / "store").exists()

    @pytest.mark.parametrize("labels", [{}, {"pipeline": "p", "study": "s", "source": "a", "network": "n", "case": ""}])
    def test_other_labels_than_those_of_the_kind_are_refused(self, labels: Mapping[str, str]) -> None:
        with pytest.raises(InputError, match="must have the labels pipeline, study, source, network, kind, got "):
            MetricGroup("training", labels)

    @pytest.mark.parametrize("name", ["overread_evaluation_same_dice_ratio", "loss"])
    def test_a_metric_of_another_kind_is_refused(self, store: ResultStore, name: str) -> None:
        with pytest.raises(InputError, match=f"must be in the catalogue, got {name}"):
            push_metrics(store, make_group("other"), {name: 1})

    @pytest.mark.parametrize("url", ["gateway:9091", f"ada:{PASSWORD}@gateway:9091", "ftp://gateway", "http://h:0x1"])
    def test_an_address_that_is_no_url_is_refused(
        self, store: ResultStore, url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PUSHGATEWAY_URL", url)
        with pytest.raises(SettingsError, match="PUSHGATEWAY_URL must be a URL that starts with http://") as caught:
            push_metrics(store, make_group("address"), {LOSS: 1})
        assert PASSWORD not in str(caught.value)


class TestOutage:
    @pytest.fixture(params=["mute", "dribbling", "401", "500", "503"])
    def bad(
        self, request: pytest.FixtureRequest, impatient: None, monkeypatch: pytest.MonkeyPatch
    ) -> Iterator[BadServer]:
        with ExitStack() as stack:
            if request.param.isdigit():
                server = stack.enter_context(running_refuser(int(request.param)))
            else:
                server = stack.enter_context(running_mute(dribbles=request.param == "dribbling"))
            monkeypatch.setenv("PUSHGATEWAY_URL", server.url.replace("//", f"//ada:{PASSWORD}@"))
            yield server

    def test_is_waited_for_once_and_said_once_without_the_password(
        self, bad: BadServer, store: ResultStore, caplog: pytest.LogCaptureFixture
    ) -> None:
        for epoch in range(5):
            push_metrics(store, make_group("s"), {EPOCH: epoch})
        assert len(bad.requests) == 1
        assert [record.message.partition(":")[0] for record in caplog.records] == ["telemetry is kept for later"]
        assert bad.url in caplog.text
        assert PASSWORD not in caplog.text
        (kept,) = TelemetryOutbox(store, bad.url).list_kept()
        assert (kept.group, kept.values, len(kept.keys)) == (make_group("s"), {EPOCH: 4}, 1)

    @pytest.mark.usefixtures("closed_port")
    def test_a_pushgateway_that_is_down_is_said_too(self, store: ResultStore, caplog: pytest.LogCaptureFixture) -> None:
        push_metrics(store, make_group("s"), {EPOCH: 1})
        assert "Connection refused" in caplog.text
        assert "Hint: check PUSHGATEWAY_URL" in caplog.text

    def test_credentials_of_the_address_are_used(self, store: ResultStore, monkeypatch: pytest.MonkeyPatch) -> None:
        with running_refuser(401) as server:
            monkeypatch.setenv("PUSHGATEWAY_URL", server.url.replace("//", "//ada:p%40ss@"))
            push_metrics(store, make_group("s"), {EPOCH: 1})
            pushgateway._connect.cache_clear()
            remove_old_groups()
        assert server.requests == ["Basic YWRhOnBAc3M="] * 2

    def test_is_asked_again_after_a_while(
        self, closed_port: int, store: ResultStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(pushgateway, "_FIRST_PAUSE_SECONDS", 0.0)
        push_metrics(store, make_group("s"), {EPOCH: 1, LOSS: 0.5})
        with running_pushgateway(closed_port) as url:
            push_metrics(store, make_group("s"), {EPOCH: 2})
            assert scrape(url, "s") == {(EPOCH, "ann"): 2, (LOSS, "ann"): 0.5}
        assert store.list_keys("telemetry") == ()

    def test_the_next_push_that_gets_through_tells_the_newest_of_every_group(
        self, closed_port: int, store: ResultStore
    ) -> None:
        push_metrics(store, make_group("s"), {EPOCH: 1, LOSS: 0.5})
        push_metrics(store, make_group("s"), {EPOCH: 2})
        push_metrics(store, make_group("s", "ben"), {EPOCH: 7})
        assert len(store.list_keys("telemetry")) == 2
        pushgateway._connect.cache_clear()
        with running_pushgateway(closed_port) as url:
            push_metrics(store, make_group("s", "eve"), {EPOCH: 9})
            expected = {(EPOCH, "ann"): 2, (LOSS, "ann"): 0.5, (EPOCH, "ben"): 7, (EPOCH, "eve"): 9}
            assert scrape(url, "s") == expected
        assert store.list_keys("telemetry") == ()

    def test_the_beginning_of_the_next_step_tells_what_was_kept(self, closed_port: int, store: ResultStore) -> None:
        push_metrics(store, make_group("s", "a/+b"), {EPOCH: 2, LOSS: float("inf")})
        with running_pushgateway(closed_port) as url:
            tell_kept_metrics(store)
            assert scrape(url, "s") == {(EPOCH, "a/+b"): 2, (LOSS, "a/+b"): float("inf")}
        assert store.list_keys("telemetry") == ()

    def test_what_is_still_not_taken_stays(self, closed_port: int, store: ResultStore) -> None:
        push_metrics(store, make_group("s"), {EPOCH: 2})
        tell_kept_metrics(store)
        assert len(store.list_keys("telemetry")) == 1

    def test_of_what_two_processes_kept_the_newer_value_is_told(self, closed_port: int, store: ResultStore) -> None:
        outbox = TelemetryOutbox(store, f"http://{LOOPBACK}:{closed_port}")
        outbox.keep(make_group("s"), {EPOCH: 1, LOSS: 0.5})
        outbox.keep(make_group("s"), {EPOCH: 2})
        (kept,) = outbox.list_kept()
        assert kept.values == {EPOCH: 2, LOSS: 0.5}
        outbox.drop(kept.keys)
        assert store.list_keys("telemetry") == ()

    def test_what_is_kept_for_another_pushgateway_stays(
        self, closed_port: int, store: ResultStore, pushgateway_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        push_metrics(store, make_group("elsewhere"), {EPOCH: 2})
        monkeypatch.setenv("PUSHGATEWAY_URL", pushgateway_url)
        tell_kept_metrics(store)
        assert len(store.list_keys("telemetry")) == 1
        assert scrape(pushgateway_url, "elsewhere") == {}

    def test_values_that_are_refused_are_dropped_with_a_warning(
        self, store: ResultStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        with running_refuser(400) as server:
            monkeypatch.setenv("PUSHGATEWAY_URL", server.url)
            for epoch in range(2):
                push_metrics(store, make_group("s"), {EPOCH: epoch})
        assert len(server.requests) == 2
        assert caplog.text.count("telemetry is dropped") == 1
        assert store.list_keys("telemetry") == ()

    @pytest.mark.usefixtures("closed_port")
    def test_a_store_that_takes_nothing_loses_telemetry_and_nothing_else(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        (tmp_path / "file").write_text("not a folder")
        push_metrics(open_store(str(tmp_path / "file" / "store")), make_group("s"), {EPOCH: 1})
        assert "telemetry is lost" in caplog.text

    def test_a_record_that_cannot_be_read_is_dropped_and_the_others_are_told(
        self, closed_port: int, store: ResultStore, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        push_metrics(store, make_group("s"), {EPOCH: 1})
        (tmp_path / "record").mkdir()
        (tmp_path / "record" / "pending.json").write_text('{"kind": "unheard of"}')
        store.publish("telemetry/0-1", tmp_path / "record")
        with running_pushgateway(closed_port) as url:
            tell_kept_metrics(store)
            assert scrape(url, "s") == {(EPOCH, "ann"): 1}
        assert "dropped from the telemetry outbox" in caplog.text
        assert store.list_keys("telemetry") == ()


class TestRemoval:
    KINDS = ("training", "evaluation", "relabelling", "retraining")

    @pytest.fixture
    def filled(self, closed_port: int, store: ResultStore) -> Iterator[str]:
        """A Pushgateway with a group of every kind, and one that is not ours; their labels need escaping."""
        with running_pushgateway(closed_port) as url:
            for kind in self.KINDS:
                metric = next(name for name, found in METRICS.items() if found.kind == kind)
                names = GROUP_LABELS[kind]
                labels = {**dict.fromkeys(names, ""), "study": "a/b", "source": "a+b"}
                push_metrics(store, MetricGroup(kind, labels), {metric: 1})
            foreign = urllib.request.Request(f"{url}/metrics/job/backup", b"done 1\n", method="PUT")
            urllib.request.urlopen(foreign, timeout=10).close()
            yield url

    def list_jobs(self, url: str) -> set[str]:
        return {sample.labels["job"] for sample in list_samples(url) if sample.name == "push_time_seconds"}

    def test_removes_old_groups_but_never_those_of_retraining_or_of_others(self, filled: str) -> None:
        assert remove_old_groups(max_age_seconds=1e-6) == 3
        assert self.list_jobs(filled) == {"overread-retraining", "backup"}

    def test_leaves_groups_of_the_last_week(self, filled: str) -> None:
        assert remove_old_groups() == 0
        assert self.list_jobs(filled) == {*(f"overread-{kind}" for kind in self.KINDS), "backup"}

    @pytest.mark.parametrize("status", [200, 404, 500])
    def test_a_server_that_is_no_pushgateway_is_said(
        self, status: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        with running_refuser(status) as server:
            monkeypatch.setenv("PUSHGATEWAY_URL", server.url)
            assert remove_old_groups() == 0
        assert "old metrics are left on the Pushgateway" in caplog.text

    def test_publishing_a_report_tells_what_was_kept(
        self, closed_port: int, store: ResultStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        push_metrics(store, make_group("s"), {EPOCH: 1})
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://{LOOPBACK}:{find_free_ports(1)[0]}")
        run = AnalysisRun(
            pipeline="crowd-disagreement",
            study="s",
            study_digest="d",
            source_digests={},
            revision="r",
            preset_name="ratings",
            settings_yaml="",
            run_fingerprint="f",
        )

        def draw(page: Path, _: object) -> None:
            page.parent.mkdir()
            page.write_text("<p>")

        with running_pushgateway(closed_port) as url:
            publish_report(
                run,
                tmp_path / "report.html",
                store=store.url,
                drawn_by=write_report.__name__,
                draw=draw,
                log=lambda _: None,
                verdict="yes",
            )
            assert scrape(url, "s") == {(EPOCH, "ann"): 1}


@pytest.fixture
def plan(
    empty_mlflow: Path, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> TrainingPlan:
    """A plan for a study that is named after the test; MLflow is a file."""
    shutil.copy(empty_mlflow, tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    return write_plan(tmp_path, epochs=EPOCHS, study=request.node.name)


def watch_epochs(patch: pytest.MonkeyPatch, react: Callable[[], None]) -> None:
    """Call `react` whenever an epoch has been told."""

    def watch(training: DescribedTraining, reports: Sequence[Epoch], **places: Any) -> None:
        tell_epoch(training, reports, **places)
        react()

    patch.setattr(tracked_training, "tell_epoch", watch)


class TestTraining:
    def test_tells_each_epoch_and_that_it_has_ended(
        self, gateway: str, plan: TrainingPlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen: list[dict[tuple[str, str], float]] = []
        watch_epochs(monkeypatch, lambda: seen.append(scrape(gateway, plan.study)))
        started = time.time()
        train(tmp_path, [plan.jobs[0].name])

        history = read_history(tmp_path / "networks" / plan.jobs[0].name / "history.csv")
        assert [values[EPOCH, "ann"] for values in seen] == [1, 2, 3]
        assert [values[RUNNING, "ann"] for values in seen] == [1, 1, 1]
        assert [values[LOSS, "ann"] for values in seen] == pytest.approx([report.loss for report in history])
        last = {name.removeprefix("overread_training_"): value for (name, _), value in seen[-1].items()}
        assert last["planned_epochs"] == EPOCHS
        assert last["validation_dice_ratio"] == pytest.approx(history[-1].validation_dice)
        assert last["duration_seconds"] == pytest.approx(history[-1].seconds)
        # 16 × 16 voxels, 4 patches a step, 6 steps an epoch.
        assert last["voxels_per_second"] == pytest.approx(256 * 4 * 6 * EPOCHS / history[-1].seconds)
        assert started < last["progress_timestamp_seconds"] < time.time()
        assert "gpu_memory_bytes" not in last
        assert scrape(gateway, plan.study) == {**seen[-1], (RUNNING, "ann"): 0}

    def test_runs_until_the_last_of_its_group_has_ended(
        self, gateway: str, plan: TrainingPlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        names = [job.name for job in plan.jobs if job.source == "ann"]
        running: list[float] = []
        watch_epochs(monkeypatch, lambda: running.append(scrape(gateway, plan.study)[RUNNING, "ann"]))
        train(tmp_path, names)
        assert running == [1] * EPOCHS * len(names)
        assert scrape(gateway, plan.study)[RUNNING, "ann"] == 0

    def test_runs_from_its_own_beginning_to_its_own_end(
        self, gateway: str, plan: TrainingPlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The second of two in a task does not run while the first does, nor the first while the second does."""
        names = [next(job.name for job in plan.jobs if job.source == source) for source in ("ann", "ben")]
        running: list[tuple[float | None, ...]] = []

        def look() -> None:
            found = scrape(gateway, plan.study)
            running.append(tuple(found.get((RUNNING, source)) for source in ("ann", "ben")))

        watch_epochs(monkeypatch, look)
        train(tmp_path, names)
        assert running == [(1, None)] * EPOCHS + [(0, 1)] * EPOCHS

    def test_that_is_reused_tells_nothing(self, gateway: str, plan: TrainingPlan, tmp_path: Path) -> None:
        train(tmp_path, [plan.jobs[0].name])
        other = plan.model_copy(update={"study": f"{plan.study} again"})
        other.write(tmp_path / "plan.json")
        train(tmp_path, [plan.jobs[0].name])
        assert scrape(gateway, other.study) == {}

    def test_that_fails_no_longer_runs(self, gateway: str, plan: TrainingPlan, tmp_path: Path) -> None:
        job = plan.jobs[0]
        mask = Study.open(tmp_path / "study").labels(job.source).path(job.train_cases[0])
        mask.write_bytes(mask.read_bytes()[:40])
        with pytest.raises(InputError):
            train(tmp_path, [job.name])
        found = scrape(gateway, plan.study)
        assert (found[RUNNING, "ann"], found[EPOCH, "ann"]) == (0, 0)

    def test_ends_well_without_a_pushgateway_and_is_told_later(
        self, closed_port: int, plan: TrainingPlan, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        train(tmp_path, [plan.jobs[0].name])
        store = open_store(str(tmp_path / "store"))
        assert len(store.list_keys("trainings")) == 1
        assert len(store.list_keys("telemetry")) == 1
        said = [record for record in caplog.records if record.levelno >= logging.WARNING]
        assert len([record for record in said if "telemetry" in record.message]) == 1

        pushgateway._connect.cache_clear()
        with running_pushgateway(closed_port) as url:
            push_metrics(store, make_group("another"), {EPOCH: 1})
            found = scrape(url, plan.study)
        history = read_history(tmp_path / "networks" / plan.jobs[0].name / "history.csv")
        assert (found[EPOCH, "ann"], found[RUNNING, "ann"]) == (EPOCHS, 0)
        assert found[LOSS, "ann"] == pytest.approx(history[-1].loss)
        assert store.list_keys("telemetry") == ()

    @pytest.mark.usefixtures("impatient")
    def test_ends_well_and_soon_with_a_pushgateway_that_never_answers(
        self, plan: TrainingPlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with running_mute() as server:
            monkeypatch.setenv("PUSHGATEWAY_URL", server.url)
            train(tmp_path, [plan.jobs[0].name])
        # Its first push, and once more at its end, however many epochs it has.
        assert len(server.requests) == 2
        store = open_store(str(tmp_path / "store"))
        assert len(store.list_keys("trainings")) == 1
        (kept,) = TelemetryOutbox(store, server.url).list_kept()
        assert (kept.values[EPOCH], kept.values[RUNNING]) == (EPOCHS, 0)


class TestEvaluation:
    def test_tells_dice_and_load_bias_of_each_source(self, gateway: str, plan: TrainingPlan, tmp_path: Path) -> None:
        """Both networks draw as ben does."""
        study = Study.open(tmp_path / "study")
        for source in ("ann", "ben"):
            shutil.copytree(study.labels("ben").path("case00").parent, tmp_path / "masks" / f"network-{source}")
        for _ in range(2):
            cross_evaluate.run(
                tmp_path / "study",
                tmp_path / "plan.json",
                tmp_path / "masks",
                output=tmp_path / "evaluation",
                store=str(tmp_path / "store"),
                processes=1,
            )
            shutil.rmtree(tmp_path / "evaluation")
        areas = {s: [study.labels(s).read(case).sum() for case in study.case_ids] for s in ("ann", "ben")}
        # The block of ann lies within that of ben: Dice is 2 |ann| / (|ann| + |ben|).
        dice = [2 * a / (a + b) for a, b in zip(areas["ann"], areas["ben"], strict=True)]
        mean_dice, bias = sum(dice) / len(dice), sum(areas["ben"]) / sum(areas["ann"]) - 1
        expected = {"ann": (mean_dice, 1.0, bias), "ben": (1.0, mean_dice, 0.0)}
        found = scrape(gateway, plan.study)
        names = [f"overread_evaluation_{name}_ratio" for name in ("same_dice", "cross_dice", "load_bias")]
        for source, values in expected.items():
            assert [found[name, source] for name in names] == pytest.approx(values)
