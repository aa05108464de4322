"""Trained networks in MLflow's model registry.

Each network that is retrained is a registered model `<study>-<source>`. Its alias `champion` names the version in use,
`challenger` the newest one that the gate has seen. An alias names one version at a time, so there is one champion.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from overread.adapters.mlflow_calls import describing_tracking_failures, opening_client
from overread.adapters.registry_records import Event, NetworkOrigin, NetworkVersion, list_line
from overread.errors import TrackingError

CHAMPION = "champion"
CHALLENGER = "challenger"
NETWORK_FOLDER = "network"
"""Artifact folder of a training's run that holds weights and settings."""

_ORIGIN_TAG = "overread.origin"
_HISTORY_TAG = "overread.history"
_SETTLED_TAG = "overread.settled_events"
_HISTORY = TypeAdapter(tuple[Event, ...])


@dataclass(frozen=True)
class RegisteredNetwork:
    """What the registry holds of one network.

    Attributes:
        name: of the registered model.
        versions: newest first; those of other tools are left out.
        aliases: number that each alias names, whoever registered that version.
    """

    name: str
    versions: tuple[NetworkVersion, ...]
    aliases: Mapping[str, int]

    def find(self, which: str) -> NetworkVersion | None:
        """The version that an alias or a number names; None if there is none.

        Raises:
            TrackingError: somebody gave the alias to a version that is not Overread's.
        """
        for version in self.versions:
            if which == str(version.version) or which in version.aliases:
                return version
        if which in self.aliases:
            raise TrackingError(
                f"the alias {which} of {self.name} must name a version that Overread registered, got version "
                f"{self.aliases[which]}. Hint: `overread model promote {self.name} --version N --reason …`."
            )
        return None

    def list_champions(self) -> tuple[NetworkVersion, ...]:
        """The champion and all versions that were champion before, newest first.

        One that a human took back, by a rollback, is none of them: it is not in the line of the champion. One that a
        human put another in the place of is.
        """
        champion = self.find(CHAMPION)
        line = list_line(champion)

        def stands(version: NetworkVersion) -> bool:
            is_taken_back = version.last_event is not None and version.last_event.action == "demoted"
            return version.version in line or (version.was_champion and not is_taken_back)

        return tuple(version for version in self.versions if stands(version))

    @property
    def held(self) -> NetworkVersion | None:
        """The version that waits for a human: the newest one, if the gate could not tell; None if it could."""
        return self.versions[0] if self.versions and self.versions[0].is_held else None


@dataclass(frozen=True)
class ModelRegistry:
    """The registry of one MLflow; make one with `connect_registry`.

    Its methods raise `TrackingOutageError` where MLflow cannot be reached, `TrackingError` where it refuses.
    """

    client: Any

    def look_up(self, name: str) -> RegisteredNetwork:
        """All versions of a network; none if it was never registered. Those of other tools are left out."""
        with describing_tracking_failures(f"list the versions of {name}"):
            aliases = self._read_aliases(name)
            found = list(_list_all(self.client, name)) if aliases is not None else []
        versions = [_parse(version, aliases or {}) for version in found if _ORIGIN_TAG in version.tags]
        return RegisteredNetwork(name, tuple(sorted(versions, key=lambda item: -item.version)), aliases or {})

    def list_versions(self, name: str) -> tuple[NetworkVersion, ...]:
        """Versions of a network, newest first."""
        return self.look_up(name).versions

    def find_champion(self, name: str) -> NetworkVersion | None:
        """The version in use; None if there is none. See `RegisteredNetwork.find`."""
        return self.look_up(name).find(CHAMPION)

    def find_version(self, name: str, which: str) -> NetworkVersion:
        """The version that an alias or a number names.

        Raises:
            TrackingError: there is none, or it is not Overread's.
        """
        network = self.look_up(name)
        found = network.find(which)
        if found is None:
            known = ", ".join(_describe(version) for version in network.versions) or "none"
            raise TrackingError(
                f"a version of {name} must be a registered one, got {which!r}. Hint: known are {known}."
            )
        return found

    def add_version(self, name: str, *, run_id: str, origin: NetworkOrigin, tags: Mapping[str, str]) -> NetworkVersion:
        """Register the network that a run has logged, unless the newest version or the champion is the very same one.

        An earlier version than those had its day: the same training is registered anew, to be judged by what there is
        now. The caller holds the lease of the model, so that no other process registers at the same time.

        Args:
            name: of the registered model, which is made if missing.
            run_id: run of the training.
            origin: what the network was made from.
            tags: shown in MLflow beside the version.
        """
        versions = self.list_versions(name)
        for version in versions:
            if (version is versions[0] or CHAMPION in version.aliases) and version.origin.is_same_as(origin):
                return version
        with describing_tracking_failures(f"register {name}"):
            if self._read_aliases(name) is None:
                self.client.create_registered_model(name)
            values = {**tags, _ORIGIN_TAG: origin.model_dump_json(), _HISTORY_TAG: "[]"}
            source = f"runs:/{run_id}/{NETWORK_FOLDER}"
            made = self.client.create_model_version(name, source, run_id=run_id, tags=values)
        return self.find_version(name, str(made.version))

    def set_alias(self, version: NetworkVersion, alias: str) -> None:
        """Give an alias to a version; another version loses it in the same moment."""
        with describing_tracking_failures(f"name {version.title} {alias}"):
            self.client.set_registered_model_alias(version.name, alias, str(version.version))

    def crown(self, version: NetworkVersion) -> None:
        """Make a version champion whose promotion is the newest event of its history, and note that this is done."""
        self.set_alias(version, CHAMPION)
        self._set_tags(version, {_SETTLED_TAG: str(len(version.history))})

    def add_event(self, version: NetworkVersion, event: Event, *, tags: Mapping[str, str]) -> NetworkVersion:
        """Write down what became of a version; `tags` are set anew. Returns the version with its longer history."""
        history = (*version.history, event)
        self._set_tags(version, {_HISTORY_TAG: _HISTORY.dump_json(history).decode(), **tags})
        return version.model_copy(update={"history": history})

    def download(self, version: NetworkVersion, artifact: str, folder: Path) -> Path:
        """Copy an artifact of the run that made a version into `folder` and return its path there."""
        folder.mkdir(parents=True, exist_ok=True)
        with describing_tracking_failures(f"read {artifact} of {version.title}"):
            return Path(self.client.download_artifacts(version.run_id, artifact, str(folder)))

    def _read_aliases(self, name: str) -> Mapping[str, int] | None:
        """The number that each alias of a registered model names; None if there is no such model."""
        from mlflow.exceptions import MlflowException

        try:
            found = self.client.get_registered_model(name).aliases
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return None
            raise
        return {alias: int(number) for alias, number in found.items()}

    def _set_tags(self, version: NetworkVersion, tags: Mapping[str, str]) -> None:
        with describing_tracking_failures(f"write down what became of {version.title}"):
            for key, value in tags.items():
                self.client.set_model_version_tag(version.name, str(version.version), key, value)


def connect_registry(workspace: Path | None = None) -> ModelRegistry:
    """Connect to the registry of MLflow, see `opening_client`."""
    with opening_client(workspace) as (client, _):
        return ModelRegistry(client)


def _list_all(client: Any, name: str) -> Iterator[Any]:
    token = None
    while True:
        page = client.search_model_versions(f"name = '{name}'", max_results=200, page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def _parse(version: Any, aliases: Mapping[str, int]) -> NetworkVersion:
    try:
        return NetworkVersion(
            name=version.name,
            version=int(version.version),
            run_id=version.run_id,
            aliases=tuple(sorted(alias for alias, number in aliases.items() if number == int(version.version))),
            origin=NetworkOrigin.model_validate_json(version.tags[_ORIGIN_TAG]),
            history=_HISTORY.validate_json(version.tags.get(_HISTORY_TAG, "[]")),
            settled_events=int(version.tags.get(_SETTLED_TAG, 0)),
        )
    except ValidationError as error:
        raise TrackingError(
            f"the tags of a registered version must be as Overread wrote them; {version.name} version "
            f"{version.version}: {error.error_count()} fields differ. Hint: delete that version in MLflow."
        ) from error


def _describe(version: NetworkVersion) -> str:
    return " ".join(map(str, (version.version, *(f"@{alias}" for alias in version.aliases))))
