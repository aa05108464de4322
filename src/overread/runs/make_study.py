"""Step: make a study that is a git and DVC repository from its first moment."""

from collections.abc import Mapping
from pathlib import Path

from overread.adapters.versioning import commit_study, initialise_study_repository
from overread.study.importing.settings import ImportSettings
from overread.study.study import Study
from overread.study.summary import StudySummary, describe_study


def from_data_set(source: Path, folder: Path, *, settings: ImportSettings, remote: str | None) -> StudySummary:
    """Import a data set and version it.

    Raises:
        StudyError: the data set breaks rules; all problems are named and nothing is written.
    """
    from overread.study.importing.study_import import import_study

    summary = import_study(source, folder, settings=settings)
    _version(folder, remote, f"Import {source.name}")
    return summary


def from_nothing(
    folder: Path, kind: str, options: Mapping[str, object], *, remote: str | None, versioned: bool
) -> StudySummary:
    """Write a synthetic demo study of a kind, and version it unless another repository does.

    Raises:
        SettingsError: the kind is unknown, or an option does not fit it.
    """
    from overread.study.demo import write_demo_of_kind

    write_demo_of_kind(folder, kind, options)
    if versioned:
        _version(folder, remote, "Add the demo study")
    return describe_study(Study.open(folder))


def _version(folder: Path, remote: str | None, message: str) -> None:
    initialise_study_repository(folder, remote=remote)
    commit_study(folder, message)
