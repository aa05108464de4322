"""Which column of a wide table holds whose rating of what."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from overread.errors import InputError

_PLACEHOLDER = re.compile(r"\{(\w*)\}")
_NUMBERED = re.compile(r"[A-Za-z]*\d+")
_JOINTS = ("_", "-", ".", " ")


@dataclass(frozen=True)
class ColumnPattern:
    """A column name with `{feature}` and `{annotator}`, such as `{feature}_{annotator}`.

    Where a name can be split in several ways, `{feature}` takes as much as possible.
    """

    text: str

    def __post_init__(self) -> None:
        if sorted(_PLACEHOLDER.findall(self.text)) != ["annotator", "feature"]:
            raise InputError(
                "a column pattern must hold {feature} and {annotator} once each",
                found=repr(self.text),
                hint="for example {feature}_{annotator}",
            )

    def match(self, column: str) -> tuple[str, str] | None:
        """Feature and annotator of a column; None where the pattern does not fit."""
        found = self._regex.fullmatch(column)
        return None if found is None else (found["feature"], found["annotator"])

    @cached_property
    def _regex(self) -> re.Pattern[str]:
        kinds = {"feature": "(?P<feature>.+)", "annotator": "(?P<annotator>.+?)"}
        parts = [kinds[p] if index % 2 else re.escape(p) for index, p in enumerate(_PLACEHOLDER.split(self.text))]
        return re.compile("".join(parts))


def guess_pattern(columns: Sequence[str], *, where: str) -> ColumnPattern:
    """Guess the pattern of all `columns`: numbered annotators at one end, the features at the other.

    `Color_7_1, Border_7_1, Color_7_2, …` gives `{feature}_7_{annotator}`: what all features share at the side of the
    annotator belongs to the pattern. Numbers may follow letters (`rater1`).

    Raises:
        InputError: no pattern fits all columns, or not every annotator has every feature.
    """
    for joint in _JOINTS:
        for annotator_is_last in (True, False):
            pattern = _fit(columns, joint, annotator_is_last)
            if pattern is not None and _is_complete(pattern, columns):
                return pattern
    raise InputError(
        "the columns of ratings must be named by feature and numbered annotator, every annotator with every feature",
        found=", ".join(columns[:4]) + (", …" if len(columns) > 4 else ""),
        where=where,
        hint="give the pattern of the columns, as {feature}_{annotator}; those that do not fit it are left out",
    )


def _fit(columns: Sequence[str], joint: str, annotator_is_last: bool) -> ColumnPattern | None:
    split = [_split(column, joint, annotator_is_last) for column in columns]
    parts = [part for part in split if part is not None and _NUMBERED.fullmatch(part[1])]
    if len(parts) < len(columns):
        return None
    shared = _find_shared([feature.split(joint) for feature, _ in parts], at_end=annotator_is_last)
    tokens = ["{feature}", *shared, "{annotator}"] if annotator_is_last else ["{annotator}", *shared, "{feature}"]
    return ColumnPattern(joint.join(tokens))


def _split(column: str, joint: str, annotator_is_last: bool) -> tuple[str, str] | None:
    """Feature and annotator of a column; None without the joint."""
    left, found, right = column.rpartition(joint) if annotator_is_last else column.partition(joint)
    if not found or not left or not right:
        return None
    return (left, right) if annotator_is_last else (right, left)


def _find_shared(features: Sequence[Sequence[str]], *, at_end: bool) -> list[str]:
    """The tokens that all features have in common at one end; each keeps at least one token of its own."""
    turned = [tokens[::-1] if at_end else tokens for tokens in features]
    shared: list[str] = []
    for tokens in zip(*(tokens[:-1] for tokens in turned), strict=False):
        if len(set(tokens)) > 1:
            break
        shared.append(tokens[0])
    return shared[::-1] if at_end else shared


def _is_complete(pattern: ColumnPattern, columns: Sequence[str]) -> bool:
    pairs = [pair for pair in map(pattern.match, columns) if pair is not None]
    features, annotators = {feature for feature, _ in pairs}, {annotator for _, annotator in pairs}
    return len(set(pairs)) == len(columns) == len(features) * len(annotators) and len(annotators) > 1
