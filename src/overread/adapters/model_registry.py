"""Trained networks in MLflow's model registry.

Each network that is retrained is a registered model `<study>-<source>`. Its alias `champion` names the version in use,
`challenger` the newest one that the gate has seen. An alias names one version at a time, so there is one champion.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from overread.adapters.mlflow_calls import describing_tracking_failures
from overread.adapters.mlflow_client import opening_client
from overread.adapters.registry_records import Event, NetworkOrigin, NetworkVersion
from overread.errors import TrackingError

CHAMPION = "champion"
CHALLENGER = "challenger"
NETWORK_FOLDER = "network"
"""Artifact folder of a training's run that holds weights and settings."""

_ORIGIN_TAG = "overread.origin"
_HISTORY_TAG = "overread.history"
_HISTORY = TypeAdapter(tuple[Event, ...])


@dataclass(frozen=True)
class ModelRegistry:
    """The registry of one MLflow; make one with `connect_registry`.

    Its methods raise `TrackingOutageError` where MLflow cannot be reached, `TrackingError` where it refuses.
    """

    client: Any

    def list_versions(self, name: str) -> tuple[NetworkVersion, ...]:
        """Versions of a network, newest first; none if it was never registered. Those of other tools are left out."""
        with describing_tracking_failures(f"list the versions of {name}"):
            if not self.client.search_registered_models(filter_string=f"name = '{name}'"):
                return ()
            aliases = self.client.get_registered_model(name).aliases
            found = list(_list_all(self.client, name))
        versions = [_parse(version, aliases) for version in found if _ORIGIN_TAG in version.tags]
        return tuple(sorted(versions, key=lambda version: -version.version))

    def find_champion(self, name: str) -> NetworkVersion | None:
        """The version in use; None if there is none.

        Raises:
            TrackingError: somebody gave the alias to a version that is not Overread's.
        """
        return self._find(name, CHAMPION)

    def find_version(self, name: str, which: str) -> NetworkVersion:
        """The version that an alias or a number names.

        Raises:
            TrackingError: there is none.
        """
        found = self._find(name, which)
        if found is None:
            known = ", ".join(_describe(version) for version in self.list_versions(name)) or "none"
            raise TrackingError(
                f"a version of {name} must be a registered one, got {which!r}. Hint: known are {known}."
            )
        return found

    def add_version(self, name: str, *, run_id: str, origin: NetworkOrigin, tags: Mapping[str, str]) -> NetworkVersion:
        """Register the network that a run has logged; the same training on the same revision is not registered twice.

        The caller holds the lease of the model, so that no other process registers at the same time.

        Args:
            name: of the registered model, which is made if missing.
            run_id: run of the training.
            origin: what the network was made from.
            tags: shown in MLflow beside the version.
        """
        for version in self.list_versions(name):
            if (version.origin.fingerprint, version.origin.revision) == (origin.fingerprint, origin.revision):
                return version
        with describing_tracking_failures(f"register {name}"):
            if not self.client.search_registered_models(filter_string=f"name = '{name}'"):
                self.client.create_registered_model(name)
            values = {**tags, _ORIGIN_TAG: origin.model_dump_json(), _HISTORY_TAG: "[]"}
            source = f"runs:/{run_id}/{NETWORK_FOLDER}"
            made = self.client.create_model_version(name, source, run_id=run_id, tags=values)
        return self.find_version(name, str(made.version))

    def set_alias(self, version: NetworkVersion, alias: str) -> None:
        """Give an alias to a version; another version loses it in the same moment."""
        with describing_tracking_failures(f"name {version.title} {alias}"):
            self.client.set_registered_model_alias(version.name, alias, str(version.version))

    def add_event(self, version: NetworkVersion, event: Event, *, tags: Mapping[str, str]) -> None:
        """Write down what became of a version; `tags` are set anew."""
        history = _HISTORY.dump_json((*version.history, event)).decode()
        with describing_tracking_failures(f"write down what became of {version.title}"):
            for key, value in {_HISTORY_TAG: history, **tags}.items():
                self.client.set_model_version_tag(version.name, str(version.version), key, value)

    def download(self, version: NetworkVersion, artifact: str, folder: Path) -> Path:
        """Copy an artifact of the run that made a version into `folder` and return its path there."""
        folder.mkdir(parents=True, exist_ok=True)
        with describing_tracking_failures(f"read {artifact} of {version.title}"):
            return Path(self.client.download_artifacts(version.run_id, artifact, str(folder)))

    def read_setting(self, version: NetworkVersion, name: str) -> str:
        """A setting that was logged to the run that made a version; empty if it was not."""
        with describing_tracking_failures(f"read the settings of {version.title}"):
            return str(self.client.get_run(version.run_id).data.params.get(name, ""))

    def _find(self, name: str, which: str) -> NetworkVersion | None:
        versions = self.list_versions(name)
        for version in versions:
            if which == str(version.version) or which in version.aliases:
                return version
        if versions:
            with describing_tracking_failures(f"look up {name}"):
                aliases = self.client.get_registered_model(name).aliases
            if which in aliases:
                raise TrackingError(
                    f"the alias {which} of {name} must name a version that Overread registered, got version "
                    f"{aliases[which]}. Hint: `overread model promote {name} --version N --reason …`."
                )
        return None


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


def _parse(version: Any, aliases: Mapping[str, Any]) -> NetworkVersion:
    return NetworkVersion(
        name=version.name,
        version=int(version.version),
        run_id=version.run_id,
        aliases=tuple(sorted(alias for alias, number in aliases.items() if int(number) == int(version.version))),
        origin=NetworkOrigin.model_validate_json(version.tags[_ORIGIN_TAG]),
        history=_HISTORY.validate_python(json.loads(version.tags.get(_HISTORY_TAG, "[]"))),
    )


def _describe(version: NetworkVersion) -> str:
    return " ".join(map(str, (version.version, *(f"@{alias}" for alias in version.aliases))))
