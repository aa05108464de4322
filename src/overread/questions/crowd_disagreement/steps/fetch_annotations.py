"""Step: bring tables of ratings and outcomes, or a study, to where the next steps can read them."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from overread.adapters.urls import is_remote, parse_local_path
from overread.errors import SettingsError
from overread.questions.crowd_disagreement.steps.annotation_data import AnnotationData, check_one_kind_is_given
from overread.questions.crowd_disagreement.steps.disagreement_choice import DisagreementChoice
from overread.questions.crowd_disagreement.steps.fetch_table import fetch_table
from overread.questions.crowd_disagreement.steps.rating_tables import RatingTables
from overread.questions.crowd_disagreement.steps.study_sources import StudySources
from overread.runs import fetch_study
from overread.settings import Settings
from overread.study.delimited import read_delimited
from overread.study.study import Study

UNVERSIONED = "unversioned"
"""Stands for the revision of what has none."""

_RATINGS, _OUTCOMES, _STUDY = "ratings", "outcomes", "study"


class FetchedAnnotations(Settings):
    """Where fetched annotations come from.

    Attributes:
        name: of the table of ratings, or of the study.
        uri: address of the table of ratings, or of the study.
        revision: commit of the study; tables have none.
    """

    name: str
    uri: str
    revision: str = UNVERSIONED


def run(
    *, ratings: str, outcomes: str, study: str, revision: str, sources: Sequence[str], target: Path
) -> FetchedAnnotations:
    """Fetch two tables under their own names, or a study at a revision.

    Args:
        ratings: path or s3:// URL of a CSV table; empty for a study.
        outcomes: path or s3:// URL of a CSV table; empty for a study.
        study: folder or URL of the study's git repository; empty for tables.
        revision: see `fetch_study`; empty for tables.
        sources: whose masks to fetch; empty for all that are neither hidden nor derived, and for tables.
        target: folder to write.

    Raises:
        SettingsError: tables and a study are given, or neither, or half of a pair, or a revision of tables.
        OverreadError: what is to be fetched is not there, or breaks a rule.
    """
    check_one_kind_is_given(ratings=ratings, outcomes=outcomes, study=study)
    if study:
        commit = fetch_study.run(study, revision, sources, target=target / _STUDY)
        return FetchedAnnotations(name=Study.open(target / _STUDY).settings.name, uri=study, revision=commit)
    if revision:
        raise SettingsError("a revision must be that of a study; tables of ratings have none", found=repr(revision))
    table = _copy_table(ratings, target / _RATINGS)
    _copy_table(outcomes, target / _OUTCOMES)
    return FetchedAnnotations(name=table.stem, uri=ratings if is_remote(ratings) else str(parse_local_path(ratings)))


def open_annotations(folder: Path, choice: DisagreementChoice) -> AnnotationData:
    """Open what `run` fetched.

    Raises:
        SettingsError: the choice is one for the other kind of annotations.
    """
    if (folder / _STUDY).is_dir():
        return StudySources(Study.open(folder / _STUDY), choice)
    (ratings,), (outcomes,) = ((folder / name).iterdir() for name in (_RATINGS, _OUTCOMES))
    return RatingTables(ratings, outcomes, choice)


def _copy_table(address: str, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    found = fetch_table(address, folder)
    read_delimited(found)
    if found.parent != folder:
        shutil.copyfile(found, folder / found.name)
    return folder / found.name
