"""Step: what humans do with registered networks: trace one, promote one, refuse one on hold, take a promotion back."""

import shlex
import tempfile
from collections.abc import Sequence
from pathlib import Path

from overread.adapters.model_registry import CHAMPION, ModelRegistry, connect_registry
from overread.adapters.registry_records import NetworkVersion, happen, list_line
from overread.adapters.urls import is_remote, parse_local_path
from overread.errors import InputError, TrackingError
from overread.questions.retrain.steps.challenger_run import SETTINGS_FILE
from overread.questions.retrain.steps.judge_challengers import GATE_FOLDER

VERSION_SIGN = "@"


def trace(address: str, *, workspace: Path | None) -> list[str]:
    """Lines that say what a version was made from and what became of it.

    Args:
        address: `NAME@champion`, `NAME@challenger` or `NAME@VERSION`.
        workspace: folder of the local MLflow, where MLFLOW_TRACKING_URI is not set.

    Raises:
        InputError: the address has another form.
        TrackingError: there is no such version, or MLflow cannot be reached.
    """
    name, sign, which = address.partition(VERSION_SIGN)
    if not (name and sign and which):
        raise InputError("a registered network must be named as NAME@champion or NAME@VERSION", found=repr(address))
    registry = connect_registry(workspace)
    version = registry.find_version(name, which)
    return [
        f"{version.title}{''.join(f' @{alias}' for alias in version.aliases)}",
        *_describe_origin(version),
        "",
        "what became of it:",
        *(_describe_history(version) or ["  it was registered and not judged"]),
        "",
        "to bring the very data back:",
        *_describe_retrieval(version),
        "",
        "settings:",
        *(f"  {line}" for line in _read_settings(registry, version).splitlines()),
    ]


def promote(name: str, which: str, *, reason: str, by: str, workspace: Path | None) -> str:
    """Make a version champion whatever the gate says; returns a line for people.

    Raises:
        InputError: there is no reason, or the version is champion already.
        TrackingError: there is no such version, or MLflow cannot be reached.
    """
    _check_reason(reason)
    registry = connect_registry(workspace)
    version = registry.find_version(name, which)
    # A version of another tool that holds the alias does not count: this is the way to take it back.
    champion = next((item for item in registry.list_versions(name) if CHAMPION in item.aliases), None)
    if champion is not None and champion.version == version.version:
        raise InputError("a version must not be champion yet to be promoted", found=version.title)
    _replace(registry, champion, version, reason=reason, by=by, line=list_line(champion))
    return f"{version.title} is champion" + (f" in place of version {champion.version}" if champion else "")


def refuse(name: str, which: str, *, reason: str, by: str, workspace: Path | None) -> str:
    """End the hold of a version: it does not become champion, by no gate either; returns a line for people.

    Raises:
        InputError: there is no reason, or the version is not on hold.
        TrackingError: there is no such version, or MLflow cannot be reached.
    """
    _check_reason(reason)
    registry = connect_registry(workspace)
    version = registry.find_version(name, which)
    if not version.is_held:
        became = version.last_event.action if version.last_event else "registered and not judged"
        raise InputError(
            "a version must be on hold to be refused",
            found=f"{version.title}, {became}",
            hint=f"`overread model rollback {name}` takes a champion back",
        )
    refusal = happen("refused", by=by, reason=reason)
    registry.add_event(version, refusal, tags={"decision": "refused", "reason": reason})
    champion = registry.find_champion(name)
    return f"{version.title} is refused, " + (
        f"version {champion.version} stays champion" if champion else "there is no champion"
    )


def roll_back(name: str, *, reason: str, by: str, workspace: Path | None) -> str:
    """Give the alias back to the version that was champion before the present one; returns a line for people.

    Raises:
        InputError: there is no reason.
        TrackingError: there is no champion, or none before it, or MLflow cannot be reached.
    """
    _check_reason(reason)
    registry = connect_registry(workspace)
    champion = registry.find_version(name, CHAMPION)
    if not champion.predecessors:
        raise InputError("a champion must have replaced another to be rolled back", found=champion.title)
    number, *earlier = champion.predecessors
    before = registry.find_version(name, str(number))
    _replace(registry, champion, before, reason=reason, by=by, line=earlier)
    return f"{before.title} is champion again, version {champion.version} is not"


def _replace(
    registry: ModelRegistry,
    champion: NetworkVersion | None,
    version: NetworkVersion,
    *,
    reason: str,
    by: str,
    line: Sequence[int],
) -> None:
    if champion is not None:
        registry.add_event(champion, happen("demoted", by=by, reason=reason), tags={"decision": "demoted"})
    promotion = happen("promoted", by=by, reason=reason, line=line)
    registry.crown(registry.add_event(version, promotion, tags={"decision": "promoted", "reason": reason}))


def _check_reason(reason: str) -> None:
    if not reason.strip():
        raise InputError("a reason must be given, for those who come later", found=repr(reason))


def _describe_origin(version: NetworkVersion) -> list[str]:
    origin = version.origin
    return [
        f"  study           {origin.study}, {origin.study_uri}",
        f"  study revision  {origin.revision}",
        f"  study digest    {origin.study_digest}",
        *(f"  masks           {source}: {digest}" for source, digest in origin.labels.items()),
        f"  settings        preset {origin.preset}, recipe {origin.recipe}",
        f"  code            Overread {origin.code_version}, {origin.code_commit}",
        f"  training        {origin.fingerprint}",
        f"  MLflow run      {version.run_id}",
    ]


def _describe_history(version: NetworkVersion) -> list[str]:
    return [
        f"  {event.at:%Y-%m-%d %H:%M} UTC  {event.action} by {event.by}: {event.reason}" for event in version.history
    ]


def _describe_retrieval(version: NetworkVersion) -> list[str]:
    origin = version.origin
    folders = shlex.join(["images", *(f"labels/{source}" for source in origin.labels)])
    copy = shlex.quote(_choose_copy(origin.study_uri))
    return [
        f"  git clone {shlex.quote(origin.study_uri)} {copy}",
        f"  git -C {copy} checkout {origin.revision}",
        f"  (cd {copy} && dvc pull {folders})",
    ]


def _choose_copy(study_uri: str) -> str:
    """Where a clone goes: beside a local study, for DVC's default remote is a folder beside it."""
    if is_remote(study_uri):
        return "study-copy"
    study = parse_local_path(study_uri)
    return str(study.with_name(f"{study.name}-copy"))


def _read_settings(registry: ModelRegistry, version: NetworkVersion) -> str:
    with tempfile.TemporaryDirectory(prefix="overread-settings-") as scratch:
        try:
            path = registry.download(version, f"{GATE_FOLDER}/{SETTINGS_FILE}", Path(scratch))
        except TrackingError as error:
            return f"cannot be read: {error}"
        return path.read_text(encoding="utf-8")
