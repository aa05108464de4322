"""Export of masks as BIDS derivatives."""

import json
import re
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from overread.errors import InputError
from overread.study.label_set import LabelSet
from overread.study.output_folder import create_folder, measure_bytes
from overread.study.rasters import VOLUME_SUFFIX, write_volume
from overread.study.study import Study
from overread.types import Affine

BIDS_VERSION = "1.10.0"
_PARTICIPANT_COLUMNS = ("age", "sex")
_MISSING = "n/a"
"""What BIDS writes for a value that is not known."""


@dataclass(frozen=True)
class BidsNames:
    """The alphanumeric labels that stand for the names of a study.

    Attributes:
        subjects: label by subject id.
        sessions: label by case id; empty where every subject has one case.
        sources: label by source.
    """

    subjects: Mapping[str, str]
    sessions: Mapping[str, str]
    sources: Mapping[str, str]

    def prefix(self, study: Study, case_id: str) -> tuple[str, str]:
        """Folder and file name prefix of a case."""
        subject = f"sub-{self.subjects[study.subject_of[case_id]]}"
        if not self.sessions:
            return f"{subject}/anat", subject
        session = f"ses-{self.sessions[case_id]}"
        return f"{subject}/{session}/anat", f"{subject}_{session}"


def choose_bids_names(study: Study, sources: Sequence[str]) -> BidsNames:
    """Choose a label for every subject, source and, where a subject has several cases, every case.

    Raises:
        InputError: a name has no letter or digit, or two names give the same label.
    """
    subjects = tuple(dict.fromkeys(study.subject_of.values()))
    has_sessions = max(Counter(study.subject_of.values()).values()) > 1
    return BidsNames(
        subjects=_sanitise(subjects, "subject_id"),
        sessions=_sanitise(study.case_ids, "case_id") if has_sessions else {},
        sources=_sanitise(sources, "source"),
    )


def _sanitise(names: Sequence[str], what: str) -> dict[str, str]:
    labels = {name: re.sub(r"[^A-Za-z0-9]", "", name) for name in names}
    name_of: dict[str, str] = {}
    for name, label in labels.items():
        if not label:
            raise InputError(f"a {what} must hold a letter or digit to become a BIDS label", found=repr(name))
        first = name_of.setdefault(label.casefold(), name)
        if first != name:
            found = f"{first!r} and {name!r}, both {label!r}"
            hint = "BIDS labels hold letters and digits only; rename one of them, or export it on its own"
            raise InputError(f"each {what} must give its own BIDS label", found=found, hint=hint)
    return labels


def export_bids(study: Study, target: Path, *, sources: Sequence[str] = ()) -> Path:
    """Write masks as `sub-<subject>/anat/sub-<subject>_desc-<source>_dseg.nii.gz`.

    BIDS labels are letters and digits, so other characters are left out of names; what a label stands for is kept in
    `participants.tsv`, in the `sessions.tsv` of each subject, and in the sidecar of each source. Where a subject has
    several cases, each is a session, `sub-<subject>/ses-<case>/anat/…`. A 2D mask (Y, X) becomes one slice (X, Y, 1),
    columns to the right and rows downwards, 1 mm thick; where the pixel size is unknown a pixel is written as 1 mm wide
    and the sidecar says so.

    Args:
        study: what to export.
        target: the derivative data set; it must be new or empty.
        sources: whose masks; none given means all that are neither hidden nor derived.

    Raises:
        InputError: a source is unknown, nothing is labelled, or two names give the same label.
        StorageError: there is no room or no permission.
    """
    chosen = study.select_sources(sources)
    label_sets = [study.labels(source) for source in chosen]
    labelled = [(labels, case_id) for labels in label_sets for case_id in study.labelled_case_ids(labels.name)]
    if not labelled:
        raise InputError("a source must have labelled a case to be exported", found="none", hint="name other sources")
    names = choose_bids_names(study, chosen)
    masks = (labels.path(case_id) for labels, case_id in labelled)
    with create_folder(target, expected_bytes=measure_bytes(masks)) as folder:
        _write_json(folder / "dataset_description.json", _describe_dataset(study))
        for source in chosen:
            _write_json(folder / f"desc-{names.sources[source]}_dseg.json", _describe_source(study, source))
            lookup = f"index\tname\n0\tbackground\n1\t{study.settings.target}\n"
            (folder / f"desc-{names.sources[source]}_dseg.tsv").write_text(lookup, encoding="utf-8")
        _write_participants(folder, study, names)
        for labels, case_id in labelled:
            place, prefix = names.prefix(study, case_id)
            path = folder / place / f"{prefix}_desc-{names.sources[labels.name]}_dseg{VOLUME_SUFFIX}"
            path.parent.mkdir(parents=True, exist_ok=True)
            _write_dseg(path, study, labels, case_id)
    return target


def _describe_dataset(study: Study) -> dict[str, Any]:
    return {
        "Name": f"{study.settings.name}: {study.settings.target}",
        "BIDSVersion": BIDS_VERSION,
        "DatasetType": "derivative",
        "GeneratedBy": [{"Name": "Overread", "Version": version("overread")}],
    }


def _describe_source(study: Study, source: str) -> dict[str, Any]:
    settings = study.settings
    kind = settings.sources[source].kind
    text = f"{settings.target} as outlined by {source} ({kind}). {settings.sources[source].description}".strip()
    if settings.length_unit == "px":
        text += " Pixel size unknown: a pixel is written as 1 mm."
    return {"Description": text, "Source": source, "Manual": kind in ("human", "crowd")}


def _write_participants(folder: Path, study: Study, names: BidsNames) -> None:
    first_case = {case.subject_id: case for case in reversed(study.cases)}
    known = [column for column in _PARTICIPANT_COLUMNS if any(case.columns.get(column) for case in study.cases)]
    rows = [["participant_id", "subject_id", *([] if names.sessions else ["case_id"]), *known]]
    for subject_id, label in names.subjects.items():
        case = first_case[subject_id]
        own = [] if names.sessions else [case.case_id]
        rows.append([f"sub-{label}", subject_id, *own, *(case.columns.get(column) or _MISSING for column in known)])
    _write_tsv(folder / "participants.tsv", rows)
    for subject_id, label in names.subjects.items() if names.sessions else ():
        cases = [case.case_id for case in study.cases if case.subject_id == subject_id]
        sessions = [["session_id", "case_id"], *([f"ses-{names.sessions[case_id]}", case_id] for case_id in cases)]
        _write_tsv(folder / f"sub-{label}" / f"sub-{label}_sessions.tsv", sessions)


def _write_dseg(path: Path, study: Study, labels: LabelSet, case_id: str) -> None:
    if study.settings.dimensions == 3:
        shutil.copyfile(labels.path(case_id), path)
    else:
        pixels = labels.read(case_id).astype(np.uint8)
        write_volume(path, pixels.T[..., np.newaxis], _make_slice_affine(study.settings.pixel_size_mm or 1.0))


def _make_slice_affine(pixel_size_mm: float) -> Affine:
    return np.diag([pixel_size_mm, -pixel_size_mm, 1.0, 1.0])


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _write_tsv(path: Path, rows: Sequence[Sequence[str]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join("\t".join(row) + "\n" for row in rows), encoding="utf-8")
