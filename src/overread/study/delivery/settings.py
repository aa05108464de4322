"""What new annotations are to become."""

import re
from typing import Literal

from pydantic import Field, field_validator

from overread.errors import describe_problem
from overread.settings import Settings
from overread.study.schema import NAME_PATTERN
from overread.study.study import Study

DRAWN_KINDS = ("human", "crowd", "semi-automatic", "synthetic")
"""Kinds of source that annotations can belong to; every other kind is derived by a command of its own."""


class AnnotationSettings(Settings):
    """The source that new masks belong to, and whether they may take the place of others."""

    source: str = Field(description="name of the source, known or new")
    kind: Literal["human", "crowd", "semi-automatic", "synthetic"] | None = Field(
        None, description="kind of a new source; a known one keeps its own"
    )
    replace: bool = Field(False, description="whether masks may replace those that the source holds")

    @field_validator("source")
    @classmethod
    def _source_is_a_file_name(cls, source: str) -> str:
        if not re.fullmatch(NAME_PATTERN, source):
            raise ValueError("must be letters, digits, '_', '.', '+' and '-', the first a letter or a digit")
        return source


def find_source_problems(study: Study, settings: AnnotationSettings) -> list[str]:
    """Name what keeps the masks from becoming part of the source."""
    name, known = settings.source, study.settings.sources
    where = f"source {name!r}"
    if name not in known:
        return _find_new_source_problems(study, settings)
    if known[name].kind not in DRAWN_KINDS:
        hint = "name another source; derived ones are made by `overread labels …`, from the sources that you add to"
        rule = f"annotations must belong to a source of kind {', '.join(DRAWN_KINDS)}"
        return [describe_problem(rule, found=f"one of kind {known[name].kind}", where=where, hint=hint)]
    if settings.kind not in (None, known[name].kind):
        hint = "leave --kind out; a source that the study has keeps its kind"
        rule = f"the kind of the source must be {known[name].kind}"
        return [describe_problem(rule, found=settings.kind, where=where, hint=hint)]
    return []


def _find_new_source_problems(study: Study, settings: AnnotationSettings) -> list[str]:
    name = settings.source
    if settings.kind is None:
        hint = f"add --kind human for a new one; known: {', '.join(study.settings.sources) or 'none'}"
        return [describe_problem("a source must be one of the study, or have a kind", found=repr(name), hint=hint)]
    folder = study.labels(name).folder
    taken = (folder, folder.with_name(f"{name}.dvc"), study.provenance_path(name))
    return [
        describe_problem("the name of a new source must be free", found=path.relative_to(study.root).as_posix())
        for path in taken
        if path.exists()
    ]
