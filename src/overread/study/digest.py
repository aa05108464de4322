"""Digests of what a step reads."""

import hashlib
from collections.abc import Iterable, Sequence
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


def compute_study_digest(study: Study, sources: Sequence[str]) -> str:
    """SHA-256 over what a training on `sources` reads: images, case table, settings and the masks of `sources`.

    The other sources that `study.yaml` lists do not count: adding a source leaves the digests of the others alone.
    """
    paths = [study.root / CASES_FILE]
    paths += [study.image_path(case_id, channel) for case_id in study.case_ids for channel in study.settings.channels]
    paths += [study.labels(source).path(case_id) for source in sources for case_id in study.labelled_case_ids(source)]
    settings = study.settings.model_dump_json(exclude={"sources"})
    return hashlib.sha256(f"{settings}\n{compute_files_digest(study.root, paths)}".encode()).hexdigest()


def compute_source_digest(study: Study, source: str) -> str:
    """SHA-256 over the masks of a source."""
    labels = study.labels(source)
    return compute_files_digest(labels.folder, (labels.path(case_id) for case_id in study.labelled_case_ids(source)))
