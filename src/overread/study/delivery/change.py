"""Making staged annotations part of a study, so that it can be undone."""

import filecmp
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from overread.study.delivery.cases import append_cases
from overread.study.delivery.staging import StagedAnnotations
from overread.study.schema import Provenance, SourceSettings
from overread.study.study import CASES_FILE, SETTINGS_FILE, Study

OPERATION = "add"


class StudyChange:
    """Files of a study that are about to change, and what they were before."""

    def __init__(self, backup: Path) -> None:
        """Keep copies in `backup`, a folder that exists and is empty."""
        self._backup = backup
        self._copies: dict[Path, Path] = {}
        self._absent: list[Path] = []

    def protect(self, path: Path) -> None:
        """Remember a file, or that there is no file or folder at `path`, before it is written."""
        if path in self._copies or any(path.is_relative_to(absent) for absent in self._absent):
            return
        if path.is_file():
            copy = self._backup / str(len(self._copies))
            shutil.copy2(path, copy)
            self._copies[path] = copy
        elif not path.exists():
            # The topmost missing folder, so that no empty one is left.
            self._absent.append([path, *(parent for parent in path.parents if not parent.exists())][-1])

    def move_in(self, path: Path, target: Path) -> None:
        """Move a finished file to where the study expects it; a file that is there is replaced as a whole."""
        self.protect(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        path.replace(target)

    def undo(self) -> None:
        """Bring all protected files back to what they were."""
        for path in self._absent:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        for path, copy in self._copies.items():
            if not path.is_file() or not filecmp.cmp(path, copy, shallow=False):
                copy.replace(path)


def apply_annotations(study: Study, staged: StagedAnnotations, change: StudyChange) -> None:
    """Move staged masks and images into the study, and say so in its case table, settings and provenance."""
    for path in sorted(path for path in staged.folder.rglob("*") if path.is_file()):
        change.move_in(path, study.root / path.relative_to(staged.folder))
    if staged.cases:
        change.protect(study.root / CASES_FILE)
        append_cases(study.root / CASES_FILE, staged.cases)
    if staged.written:
        change.protect(study.provenance_path(staged.settings.source))
        _write_provenance(study, staged)
    if staged.settings.source not in study.settings.sources:
        change.protect(study.root / SETTINGS_FILE)
        _declare_source(study, staged)


def _write_provenance(study: Study, staged: StagedAnnotations) -> None:
    """Record of each mask which file it came in; what is known of the others stays."""
    path = study.provenance_path(staged.settings.source)
    provenance = Provenance.read_yaml(path) if path.is_file() else Provenance(operation=OPERATION)
    added: Mapping[str, dict[str, Any]] = {
        case_id: {"operation": OPERATION, "file": mask.file_name, "sha256": mask.file_digest}
        for case_id, mask in staged.masks.items()
        if case_id in staged.written
    }
    path.parent.mkdir(exist_ok=True)
    provenance.model_copy(update={"cases": {**provenance.cases, **added}}).write_yaml(path)


def _declare_source(study: Study, staged: StagedAnnotations) -> None:
    kind = staged.settings.kind
    assert kind is not None, "the kind of a new source was checked"
    sources = {**study.settings.sources, staged.settings.source: SourceSettings(kind=kind)}
    study.settings.model_copy(update={"sources": sources}).write_yaml(study.root / SETTINGS_FILE)
