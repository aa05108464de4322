"""Names of results: the same data, settings, code and numerical libraries give the same name."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path

from overread.runs import import_closure
from overread.study.digest import (
    compute_files_digest,
    compute_images_digest,
    compute_source_digest,
    compute_study_digest,
)
from overread.study.study import Study

_DISTRIBUTIONS = {
    "torch": "torch",
    "monai": "monai",
    "numpy": "numpy",
    "scipy": "scipy",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "cv2": "opencv-python-headless",
}
"""The libraries that compute, by the names that modules import."""


def name_result(kind: str, *, made_by: str, parts: Mapping[str, object], is_page: bool = False) -> str:
    """SHA-256 over the kind of result, what it was made from, and the code and libraries that made it.

    Args:
        kind: what is made, for example "training".
        made_by: full name of the module that makes it; the code is what that imports, see `find_closure`.
        parts: everything else that it depends on, as JSON values.
        is_page: wording, figures and templates count too.
    """
    root = import_closure.ROOT
    closure = import_closure.find_closure(made_by, root=root, with_presentation=is_page)
    code, libraries = _digest_code(root, closure.files), _read_versions(closure.libraries)
    return _digest({"kind": kind, "code": code, "libraries": libraries, "parts": dict(parts)})


def name_choice(kind: str, parts: Mapping[str, object]) -> str:
    """SHA-256 over what was chosen, whatever code carries it out: for recipes and for names of derived sources.

    Args:
        kind: what is chosen, for example "recipe".
        parts: all that is chosen, as JSON values.
    """
    return _digest({"kind": kind, "parts": dict(parts)})


def name_run(parts: Mapping[str, object]) -> str:
    """SHA-256 that names a pipeline run by its data and settings, and by all code and libraries that compute.

    Args:
        parts: data, revision, settings and choices, as JSON values.
    """
    root = import_closure.ROOT
    code, libraries = _digest_code(root, import_closure.list_computing_modules(root)), _read_versions(_DISTRIBUTIONS)
    return _digest({"kind": "pipeline-run", "code": code, "libraries": libraries, "parts": dict(parts)})


def compute_code_digest() -> str:
    """SHA-256 over all of Overread, as pages and records state it."""
    root = import_closure.ROOT
    kinds = (".py", ".yaml", ".j2", ".css")
    return _digest_code(root, tuple(path.relative_to(root) for path in root.rglob("*") if path.suffix in kinds))


@cache
def _digest_code(root: Path, files: tuple[Path, ...]) -> str:
    return compute_files_digest(root, (root / path for path in files))


def _read_versions(libraries: Iterable[str]) -> dict[str, str]:
    """Versions of those that compute, without what tells builds apart: a CPU's and a GPU's share their results."""
    return {name: _read_version(_DISTRIBUTIONS[name]) for name in sorted(_DISTRIBUTIONS.keys() & set(libraries))}


@cache
def _read_version(distribution: str) -> str:
    return metadata.version(distribution).partition("+")[0]


def _digest(content: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class PlannedData:
    """Digests of images and labels.

    Attributes:
        images_digest: SHA-256 over the images.
        source_digests: SHA-256 over the masks of each source.
    """

    images_digest: str
    source_digests: dict[str, str]

    @classmethod
    def read(cls, study: Study, sources: Sequence[str]) -> "PlannedData":
        """Digest the images of a study and the masks of some sources."""
        return cls(compute_images_digest(study), {source: compute_source_digest(study, source) for source in sources})

    def name_run(self, *, revision: str, parts: Mapping[str, object]) -> str:
        """SHA-256 that names a pipeline run by its data, the revision and whatever else it depends on, code included.

        Args:
            revision: commit of the study.
            parts: settings and choices, as JSON values.
        """
        data = compute_study_digest(self.images_digest, self.source_digests)
        return name_run({"data": data, "revision": revision, **parts})
