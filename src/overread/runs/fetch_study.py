"""Step: bring a study, as it was at a revision, to where the next steps can read it."""

from collections.abc import Sequence
from pathlib import Path

from overread.adapters.study_fetch import fetch_study
from overread.adapters.versioning import resolve_revision
from overread.errors import StudyError
from overread.study.check import find_study_problems
from overread.study.study import SETTINGS_FILE, Study


def run(
    study_uri: str,
    revision: str,
    sources: Sequence[str],
    *,
    target: Path,
    further: Sequence[str] = (),
    labels: bool = True,
) -> str:
    """Fetch a study and check every file that was fetched.

    Args:
        study_uri: folder or URL of the study's git repository.
        revision: commit, branch or tag; empty for the newest commit of a study without changes that are not committed.
        sources: whose masks to fetch; empty for all that are neither hidden nor derived.
        target: folder to write.
        further: whose masks to fetch too, hidden ones for example.
        labels: whether to fetch any masks at all; without them the copy has no sources.

    Returns:
        The commit.

    Raises:
        StudyError: the study breaks rules; all problems are named.
        VersioningError: no such study, revision or data.
    """
    commit = fetch_study(
        study_uri, resolve_revision(study_uri, revision), target, sources=sources, further=further, labels=labels
    )
    study = Study.open(target)
    study = _keep_sources(study, study.select_sources_and_further(sources, further) if labels else ())
    if problems := find_study_problems(study):
        raise StudyError(problems)
    return commit


def _keep_sources(study: Study, kept: Sequence[str]) -> Study:
    """Leave the sources that were not fetched out of the fetched copy's settings."""
    study.settings.keep_sources(kept).write_yaml(study.root / SETTINGS_FILE)
    for name in study.settings.sources.keys() - set(kept):
        study.provenance_path(name).unlink(missing_ok=True)
    return Study.open(study.root)
