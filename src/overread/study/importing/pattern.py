"""Patterns of file names with placeholders, such as `images/{case}_{channel}.nii.gz`."""

import re
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path, PurePath

from overread.study.file_endings import RASTER_SUFFIXES

_PLACEHOLDER = re.compile(r"\{(\w*)\}")
_ANY_SUFFIX = ".*"


class FilePattern:
    """A file name with `{placeholders}`, matched against the path below the data set's root, `/` between folders.

    A placeholder stands for one or more characters other than `/`; used twice, it must stand for the same text.
    `*` stands for any characters but `/`, and `.*` at the end for the ending of any raster file. Where the pattern can
    be split in several ways `{case}` takes as much as possible: in `{case}_{channel}.*` the channel is what follows the
    last `_`.
    """

    def __init__(self, text: str) -> None:
        self.text = text

    def match(self, relative_path: PurePath) -> dict[str, str] | None:
        """What each placeholder stands for in the path; None where the pattern does not fit."""
        found = self._regex.fullmatch(relative_path.as_posix())
        return None if found is None else found.groupdict()

    @cached_property
    def _regex(self) -> re.Pattern[str]:
        body, ending = self.text, ""
        if body.endswith(_ANY_SUFFIX):
            body = body.removesuffix(_ANY_SUFFIX)
            ending = f"(?i:{'|'.join(map(re.escape, RASTER_SUFFIXES))})"
        seen: set[str] = set()
        parts = [
            _translate_placeholder(part, seen) if index % 2 else re.escape(part).replace(r"\*", "[^/]*")
            for index, part in enumerate(_PLACEHOLDER.split(body))
        ]
        return re.compile("".join(parts) + ending)


def find_pattern_problem(text: str, known: Sequence[str]) -> str | None:
    """What is wrong with a pattern whose placeholders may be `known`, the first of which must be in it."""
    names = _PLACEHOLDER.findall(text)
    if known[0] not in names:
        return f"the pattern {text!r} must hold {{{known[0]}}}"
    if unknown := [name for name in names if name not in known]:
        return f"the pattern {text!r} holds {{{unknown[0]}}}, which is not one of {', '.join(known)}"
    return None


def match_first(patterns: Iterable[FilePattern], relative_path: PurePath) -> dict[str, str] | None:
    """What the placeholders of the first fitting pattern stand for; None where none fits."""
    return next((found for pattern in patterns if (found := pattern.match(relative_path)) is not None), None)


def list_files(root: Path) -> list[Path]:
    """All files below a folder in the order of their paths, hidden files and folders left out."""
    files = (path for path in root.rglob("*") if path.is_file())
    return sorted(path for path in files if not any(part.startswith(".") for part in path.relative_to(root).parts))


def strip_raster_suffix(name: str) -> str:
    """A file name without the ending of its format."""
    suffix = next((suffix for suffix in RASTER_SUFFIXES if name.lower().endswith(suffix)), "")
    return name[: len(name) - len(suffix)]


def _translate_placeholder(name: str, seen: set[str]) -> str:
    if name in seen:
        return f"(?P={name})"
    seen.add(name)
    return f"(?P<{name}>[^/]+)" if name == "case" else f"(?P<{name}>[^/]+?)"
