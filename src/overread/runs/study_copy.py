"""Copies of a fetched study that get new sources."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Origin:
    """Where a fetched study comes from.

    Attributes:
        study_uri: address of its git repository.
        revision: commit that was fetched, or that holds the sources that were added since.
    """

    study_uri: str
    revision: str


def copy_study(study_folder: Path, output: Path) -> None:
    """Copy a study without doubling its images on disk where the file system can link files.

    What is written into a study later replaces whole files, so that the original stays as it is.
    """
    shutil.copytree(study_folder, output, copy_function=_link_or_copy, dirs_exist_ok=True)


def _link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
