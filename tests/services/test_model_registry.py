"""Registered networks on SQLite and on a real MLflow server with PostgreSQL and S3, by the same tests."""

import shutil
import uuid
from dataclasses import dataclass
from pathlib import Path

import pytest

from overread.adapters.mlflow_calls import TrackingOutageError
from overread.adapters.model_registry import CHALLENGER, CHAMPION, NETWORK_FOLDER, ModelRegistry, connect_registry
from overread.adapters.registry_records import NetworkOrigin, NetworkVersion, happen, list_line
from overread.errors import TrackingError
from tests.servers import find_free_ports

ORIGIN = NetworkOrigin(
    fingerprint="f0" * 32,
    study="blocks",
    study_uri="https://example.org/blocks.git",
    revision="a1" * 20,
    study_digest="d0" * 32,
    labels={"ann": "11" * 16, "ben": "22" * 16},
    recipe="c0" * 32,
    preset="demo",
    code_commit="0de",
    code_version="0.1.0",
)


@dataclass(frozen=True)
class Shelf:
    """A network in the registry, whose training has a run with two files."""

    registry: ModelRegistry
    name: str
    run_id: str

    def add(self, **changes: object) -> NetworkVersion:
        origin = ORIGIN.model_copy(update=changes)
        return self.registry.add_version(self.name, run_id=self.run_id, origin=origin, tags={"source": "ann+ben"})

    def promote(self, version: NetworkVersion, *, by: str = "gate") -> None:
        line = list_line(self.registry.find_champion(self.name))
        event = happen("promoted", by=by, reason="Größer – and better.", line=line)
        self.registry.crown(self.registry.add_event(version, event, tags={"decision": "promoted"}))

    def find(self, which: str) -> NetworkVersion:
        return self.registry.find_version(self.name, which)


@pytest.fixture(params=["sqlite", "server"])
def shelf(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    """A network that is named after a mix, as `study-a+b`."""
    location = None
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("empty_mlflow"), tmp_path / "mlflow.db")
        registry = connect_registry(tmp_path)
        location = (tmp_path / "artifacts").as_uri()
    else:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", request.getfixturevalue("mlflow_url"))
        registry = connect_registry()
    study = f"blocks-{uuid.uuid4().hex}"
    experiment = registry.client.create_experiment(study, artifact_location=location)
    run_id = registry.client.create_run(experiment).info.run_id
    for name in ("network.json", "network.safetensors"):
        (tmp_path / name).write_text(name)
        registry.client.log_artifact(run_id, str(tmp_path / name), NETWORK_FOLDER)
    return Shelf(registry, f"{study}-ann+ben", run_id)


def test_a_network_that_was_never_registered_has_no_versions(shelf: Shelf) -> None:
    assert shelf.registry.list_versions(shelf.name) == ()
    assert shelf.registry.find_champion(shelf.name) is None
    with pytest.raises(TrackingError, match=r"got 'champion'\. Hint: known are none"):
        shelf.find(CHAMPION)


def test_a_version_comes_back_as_it_was_registered(shelf: Shelf, tmp_path: Path) -> None:
    made = shelf.add()
    assert (made.title, made.run_id, made.origin) == (f"{shelf.name} version 1", shelf.run_id, ORIGIN)
    assert (made.aliases, made.history, made.settled_events) == ((), (), 0)
    assert shelf.registry.list_versions(shelf.name) == (made,) == (shelf.find("1"),)
    folder = shelf.registry.download(made, NETWORK_FOLDER, tmp_path / "downloaded")
    assert {path.name: path.read_text() for path in folder.iterdir()} == {
        "network.json": "network.json",
        "network.safetensors": "network.safetensors",
    }


def test_one_version_at_a_time_has_an_alias(shelf: Shelf) -> None:
    first, second = shelf.add(), shelf.add(revision="b2" * 20)
    for version, aliases in ((first, ["1"]), (second, ["2"])):
        shelf.registry.set_alias(version, CHALLENGER)
        found = [item for item in shelf.registry.list_versions(shelf.name) if CHALLENGER in item.aliases]
        assert [str(item.version) for item in found] == aliases
    assert shelf.find(CHALLENGER).version == 2


def test_what_becomes_of_versions_is_written_down(shelf: Shelf) -> None:
    first = shelf.add()
    shelf.promote(first)
    second = shelf.add(revision="b2" * 20)
    shelf.registry.add_event(second, happen("refused", by="gate", reason="Off.", terms="terms"), tags={})
    shelf.promote(shelf.find("2"), by="Ann")

    second, first = shelf.registry.list_versions(shelf.name)
    assert [(event.action, event.by, event.terms) for event in second.history] == [
        ("refused", "gate", "terms"),
        ("promoted", "Ann", ""),
    ]
    assert (first.aliases, second.aliases) == ((), (CHAMPION,))
    assert second.promotion is not None
    assert second.promotion.reason == "Größer – and better."
    assert (second.predecessors, second.settled_events) == ((1,), 2)
    assert shelf.registry.client.get_model_version(shelf.name, "2").tags["decision"] == "promoted"


def test_the_newest_version_and_the_champion_are_not_registered_twice(shelf: Shelf) -> None:
    first = shelf.add()
    shelf.promote(first)
    second = shelf.add(revision="b2" * 20)
    assert shelf.add().version == 1
    assert shelf.add(revision="b2" * 20).version == second.version == 2
    assert shelf.add(recipe="e1" * 32).version == 3
    assert shelf.add(revision="b2" * 20).version == 4


def test_networks_with_similar_names_are_kept_apart(shelf: Shelf) -> None:
    """As part of a URL, a plus would be a space."""
    shelf.add()
    for name in (shelf.name.replace("+", " "), shelf.name.replace("+", "%2B"), shelf.name.removesuffix("+ben")):
        assert shelf.registry.list_versions(name) == ()


def test_an_artifact_that_is_not_there_is_named(shelf: Shelf, tmp_path: Path) -> None:
    made = shelf.add()
    with pytest.raises(
        TrackingError, match=rf"read gate/judgement\.json of {shelf.name} version 1".replace("+", r"\+")
    ):
        shelf.registry.download(made, "gate/judgement.json", tmp_path / "downloaded")


def test_a_name_with_a_quote_is_unknown_like_any_other(shelf: Shelf) -> None:
    with pytest.raises(TrackingError, match=r"a version of it's must be a registered one, .* known are none"):
        shelf.registry.find_version("it's", "1")


def test_a_registry_that_is_away_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{find_free_ports(1)[0]}")
    with pytest.raises(TrackingOutageError, match="MLflow must be reachable to list the versions of blocks-ann"):
        connect_registry().list_versions("blocks-ann")
