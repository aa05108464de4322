"""Digests of what a step reads."""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from overread.study.study import CASES_FILE, Study


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


def compute_folder_digest(folder: Path) -> str:
    """SHA-256 over the sorted (relative path, content digest) pairs of all files below a folder."""
    return compute_files_digest(folder, (path for path in folder.rglob("*") if path.is_file()))


def compute_images_digest(study: Study) -> str:
    """SHA-256 over the images, the case table and the settings of a study, its sources left out."""
    paths = [study.image_path(case_id, channel) for case_id in study.case_ids for channel in study.settings.channels]
    settings = study.settings.model_dump_json(exclude={"sources"})
    return _combine(settings, compute_files_digest(study.root, [study.root / CASES_FILE, *paths]))


def compute_source_digest(study: Study, source: str) -> str:
    """SHA-256 over the masks of a source."""
    labels = study.labels(source)
    return compute_files_digest(labels.folder, (labels.path(case_id) for case_id in study.labelled_case_ids(source)))


def compute_study_digest(images_digest: str, source_digests: Mapping[str, str]) -> str:
    """SHA-256 over the images and some sources of a study; a source that is not read does not count."""
    return _combine(images_digest, *(f"{source} {digest}" for source, digest in sorted(source_digests.items())))


def _combine(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
