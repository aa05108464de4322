"""Bringing one revision of a study into a plain folder."""

import io
import json
import re
import shutil
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from overread.adapters.dvc_repository import (
    REMOTE_NAME,
    build_remote_settings,
    describe_dvc_failure,
    open_dvc_repository,
    parse_tracked_digest,
    run_dvc,
)
from overread.adapters.git import call_git, find_commit, open_git_repository
from overread.errors import VersioningError
from overread.study.study import IMAGES_FOLDER, LABELS_FOLDER, SETTINGS_FILE, Study

_VERSIONING_PATTERNS = (".dvc", ".dvcignore", ".gitattributes", "**/.gitignore", "*.dvc", f"{LABELS_FOLDER}/*.dvc")


def fetch_study(
    study_uri: str,
    revision: str,
    target: Path,
    *,
    sources: Sequence[str] = (),
    further: Sequence[str] = (),
    labels: bool = True,
) -> str:
    """Write a study as it was at a revision: settings, tables, provenance, images and the masks of some sources.

    The result is a plain folder without git or DVC. No file in it is linked to a DVC cache or remote, so nothing that
    writes into it can damage them. It appears whole or not at all.

    Args:
        study_uri: folder or URL (https, ssh, file) of the study's git repository.
        revision: commit, branch or tag; empty for the newest commit. See `resolve_revision` for the check that a
            local study has no change that would be left out.
        target: folder to write, which must be new or empty.
        sources: whose masks to fetch; empty for those that `Study.select_sources` takes.
        further: whose masks to fetch too.
        labels: whether to fetch any masks at all.

    Returns:
        The commit that was fetched.

    Raises:
        VersioningError: no such study, revision or source; the data are not in the remote; `target` holds something.
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise VersioningError(f"a study must be fetched into a new or empty folder, got {target}.")
    target.parent.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix=f".{target.name}.", suffix=".partial", dir=target.parent) as scratch,
        open_git_repository(study_uri) as repository,
    ):
        commit = find_commit(repository, revision or "HEAD")
        study = Path(scratch) / "study"
        export_commit(repository, commit, study)
        names = Study.open(study).select_sources_and_further(sources, further) if labels else ()
        _pull_data(study, Path(scratch), origin=repository, sources=names)
        _make_plain(study)
        study.replace(target)
    return commit


def export_commit(repository: Path, commit: str, study: Path) -> None:
    """Write what git holds of a study at a commit: settings, tables and provenance, neither images nor masks.

    Args:
        repository: folder of the study's git repository.
        commit: which one.
        study: folder to write.

    Raises:
        VersioningError: it is no study, or holds links.
    """
    result = call_git("archive", "--format=tar", commit, folder=repository)
    if result.returncode:
        raise VersioningError(f"git archive failed: {result.stderr.decode(errors='replace').strip()}.")
    with tarfile.open(fileobj=io.BytesIO(result.stdout)) as archive:
        _extract_files(archive, study)
    if not (study / SETTINGS_FILE).is_file() or not (study / ".dvc").is_dir():
        raise VersioningError(
            f"a study must hold {SETTINGS_FILE} and be a DVC repository at commit {commit[:7]}; {repository}. "
            "Hint: record it with `overread study commit`."
        )


def _extract_files(archive: tarfile.TarFile, target: Path) -> None:
    """Write the regular files of an archive below a folder; whatever could lead out of it is refused."""
    for member in archive:
        path = target / member.name
        if not (member.isreg() or member.isdir()) or not path.resolve().is_relative_to(target.resolve()):
            raise VersioningError(f"a study must hold plain files only, got {member.name}. Hint: remove links.")
        content = archive.extractfile(member)
        if content is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.read())


def _pull_data(study: Path, scratch: Path, *, origin: Path, sources: Sequence[str]) -> None:
    targets = [f"{IMAGES_FOLDER}.dvc"]
    targets += [f"{LABELS_FOLDER}/{source}.dvc" for source in sources]
    digests = [_read_digest(study, name) for name in targets]
    remote = _choose_remote(study, origin, digests)
    settings = {
        "core": {"no_scm": True, "remote": REMOTE_NAME, "site_cache_dir": str(scratch / "site")},
        # The cache is private and dropped at once, so links out of it save a copy and leave no way back into it.
        "cache": {"dir": str(scratch / "cache"), "type": "hardlink,copy"},
        "remote": {REMOTE_NAME: remote},
    }
    with open_dvc_repository(study, settings=settings) as repository:
        run_dvc("fetch the data", lambda: repository.pull([str(study / name) for name in targets]))
    shutil.rmtree(scratch / "cache")


def _read_digest(study: Path, name: str) -> str:
    path = study / name
    if not path.is_file():
        known = sorted(file.stem for file in (study / LABELS_FOLDER).glob("*.dvc"))
        raise VersioningError(
            f"{name} must be recorded at this revision. Hint: the sources recorded there are {', '.join(known) or '–'}."
        )
    return parse_tracked_digest(path.read_text(encoding="utf-8"), name=path.stem)


def _choose_remote(study: Path, origin: Path, digests: Sequence[str]) -> dict[str, Any]:
    """Take the cache of a local study where it holds everything, else the remote that its settings name."""
    # A relative remote counts from the `.dvc` folder of the original, not of the export.
    owner = origin if (origin / ".dvc" / "config").is_file() else study
    cache = Path(_read_config(owner)["cache"].get("dir") or origin / ".dvc" / "cache")
    if all(_holds_folder(cache / "files" / "md5", digest) for digest in digests):
        return {"url": str(cache)}
    return read_default_remote(owner, is_local=owner == origin)


def read_default_remote(study: Path, *, is_local: bool) -> dict[str, Any]:
    """Settings of the default DVC remote of the study in a folder.

    Args:
        study: folder that holds `.dvc`.
        is_local: whether it is the study itself and not a copy, from which a relative path would lead astray.

    Raises:
        VersioningError: there is no remote, or it cannot be reached from a copy.
    """
    config = _read_config(study)
    name = config["core"].get("remote")
    if name is None or name not in config["remote"]:
        raise VersioningError(
            f"the study must have a default DVC remote; {study}. Hint: `dvc remote add --default NAME URL`."
        )
    remote = dict(config["remote"][name])
    if not is_local and not re.match(r"\w+://", remote["url"]):
        raise VersioningError(
            f"the data of a study that is fetched from a URL must be in a remote that can be reached from here, got a "
            f"folder. Hint: `dvc remote modify {name} url s3://BUCKET/PREFIX` and `overread study commit`."
        )
    return {**remote, **build_remote_settings(str(remote["url"]))}


def _read_config(study: Path) -> dict[str, Any]:
    from dvc.config import Config

    try:
        return dict(Config(str(study / ".dvc")))
    except Exception as error:
        raise describe_dvc_failure("read its settings", error) from error


def _holds_folder(objects: Path, digest: str) -> bool:
    """Whether a local DVC store holds a folder's list of files and each of the files."""
    listing = objects / digest[:2] / digest[2:]
    if not listing.is_file():
        return False
    entries = json.loads(listing.read_text(encoding="utf-8"))
    return all((objects / entry["md5"][:2] / entry["md5"][2:]).is_file() for entry in entries)


def _make_plain(study: Path) -> None:
    """Remove what belongs to git and DVC, and make every file writable and independent of the others.

    DVC leaves linked files read-only, and files of equal content linked to each other.
    """
    for path in [path for pattern in _VERSIONING_PATTERNS for path in study.glob(pattern)]:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    for path in [path for path in study.rglob("*") if path.is_file()]:
        if path.stat().st_nlink > 1:
            copy = path.with_name(f".{path.name}.copy")
            shutil.copyfile(path, copy)
            copy.replace(path)
        path.chmod(0o644)
