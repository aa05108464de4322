"""Digests of what a step reads."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from overread.study.study import CASES_FILE, IMAGES_FOLDER, SETTINGS_FILE, Study


def compute_file_digest(path: Path) -> str:
    """SHA-256 of a file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def compute_files_digest(root: Path, paths: Iterable[Path]) -> str:
    """SHA-256 over the sorted (path relative to `root`, content digest) pairs."""
    total = hashlib.sha256()
    for path in sorted(paths):
        total.update(f"{path.relative_to(root).as_posix()}\0{compute_file_digest(path)}\n".encode())
    return total.hexdigest()


def compute_study_digest(study: Study, sources: Sequence[str]) -> str:
    """SHA-256 over the images, the case table, the settings and the masks of `sources`."""
    paths = [study.root / SETTINGS_FILE, study.root / CASES_FILE]
    paths += [path for path in (study.root / IMAGES_FOLDER).rglob("*") if path.is_file() and path.name != ".gitignore"]
    paths += [study.mask_path(source, case_id) for source in sources for case_id in study.labelled_case_ids(source)]
    return compute_files_digest(study.root, paths)


def compute_source_digests(study: Study, sources: Iterable[str]) -> Mapping[str, str]:
    """SHA-256 over the masks of each source."""
    return {
        source: compute_files_digest(study.root, (study.mask_path(source, c) for c in study.labelled_case_ids(source)))
        for source in sources
    }
