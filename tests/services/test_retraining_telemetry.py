"""What a real Pushgateway is told of retraining."""

import shutil
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from overread.questions.retrain.steps import note_nothing_new
from overread.questions.retrain.steps.manage_networks import promote, refuse
from tests.retrainings import GrowingStudy
from tests.servers import running_pushgateway

PREFIX = "overread_retraining_"


@pytest.fixture
def gateway() -> Iterator[str]:
    with running_pushgateway() as url:
        yield url


@pytest.fixture
def growing(gateway: str, empty_mlflow: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GrowingStudy:
    shutil.copy(empty_mlflow, tmp_path / "mlflow.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    monkeypatch.setenv("PUSHGATEWAY_URL", gateway)
    study = GrowingStudy(tmp_path)
    study.commit(ann="1", ben="1")
    return study


def read(gateway: str, source: str = "ann") -> dict[str, float]:
    """Values of retraining of a source, by name without prefix."""
    with urllib.request.urlopen(f"{gateway}/metrics", timeout=10) as answer:
        families = list(text_string_to_metric_families(answer.read().decode()))
    return {
        sample.name.removeprefix(PREFIX): sample.value
        for family in families
        for sample in family.samples
        if sample.name.startswith(PREFIX) and sample.labels.get("source") == source
    }


def test_looking_tells_how_far_behind_a_network_is_and_no_success(growing: GrowingStudy, gateway: str) -> None:
    growing.look()
    assert read(gateway) == {"revisions_behind": 0, "hold_timestamp_seconds": 0}


def test_a_promotion_a_refusal_and_nothing_new_are_told_with_their_times(growing: GrowingStudy, gateway: str) -> None:
    began = time.time()
    growing.retrain()
    told = read(gateway)
    for name in ("last_promotion", "champion", "last_success"):
        assert told[f"{name}_timestamp_seconds"] >= began
    assert "last_refusal_timestamp_seconds" not in told
    assert told["verdict"] == 1

    growing.commit(ann="2")
    growing.commit(ann="3")
    growing.retrain(refuse="Worse.")
    refused = read(gateway)
    assert refused["last_refusal_timestamp_seconds"] > told["last_success_timestamp_seconds"]
    assert (refused["revisions_behind"], refused["verdict"]) == (2, -1)
    # The registry, which is asked again, knows whole seconds.
    for name in ("champion_timestamp_seconds", "last_promotion_timestamp_seconds"):
        assert refused[name] == pytest.approx(told[name], abs=2)

    changes = growing.look()
    changes.write(growing.folder / "idle.json")
    note_nothing_new.run(growing.folder / "idle.json", store=growing.store)
    idle = read(gateway)
    assert idle["last_success_timestamp_seconds"] > refused["last_success_timestamp_seconds"]
    assert idle["last_refusal_timestamp_seconds"] == refused["last_refusal_timestamp_seconds"]


def test_a_hold_is_told_until_a_human_has_ended_it(growing: GrowingStudy, gateway: str) -> None:
    began = time.time()
    growing.retrain(hold="Open.")
    told = read(gateway)
    assert told["hold_timestamp_seconds"] >= began
    assert told["verdict"] == 0
    growing.look()
    assert read(gateway)["hold_timestamp_seconds"] == pytest.approx(told["hold_timestamp_seconds"], abs=2)
    refuse("blocks-2d-ann", "1", reason="Misses small blocks.", by="Ann", workspace=None)
    growing.look()
    ended = read(gateway)
    assert ended["hold_timestamp_seconds"] == 0
    assert not {"last_refusal_timestamp_seconds", "last_promotion_timestamp_seconds"} & set(ended)


def test_a_promotion_by_hand_is_told_when_retraining_looks_next(growing: GrowingStudy, gateway: str) -> None:
    growing.retrain(refuse="Worse.")
    assert "champion_timestamp_seconds" not in read(gateway)
    promote("blocks-2d-ann", "1", reason="On purpose.", by="Ann", workspace=None)
    growing.look()
    champion = growing.versions()[0]
    assert read(gateway)["champion_timestamp_seconds"] == champion.promotion.at.timestamp()
