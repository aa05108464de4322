"""Alphanumeric labels, as BIDS wants them, for the names of a study."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from overread.errors import InputError
from overread.study.study import Study


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
