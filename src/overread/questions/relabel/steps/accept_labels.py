"""Step: make a source of the relabelled masks that a reviewer accepted, and of the given masks for all other cases."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from overread.errors import InputError
from overread.labels.source_cases import read_source_case
from overread.questions.relabel.review import suggest_limit
from overread.questions.relabel.steps.relabel_source import OPERATION as RELABEL
from overread.runs.derived_source import add_relabelled, record_source
from overread.study.digest import compute_source_digest
from overread.study.schema import Provenance
from overread.study.study import Study

OPERATION = "accept"


def run(folder: Path, *, source: str, case_ids: Sequence[str], name: str = "") -> str:
    """Add the accepted masks as a new source of kind `relabelled`.

    A case that was left alone cannot be accepted: the source that `overread labels relabel` made holds its given mask,
    and what the rule proposes was never stored. Relabelling again with a larger limit stores it.

    Args:
        folder: folder of the study; its repository gets a commit where it has one.
        source: a source that relabelling made.
        case_ids: the accepted cases.
        name: name of the new source; that of the given labels with `-reviewed` if empty.

    Returns:
        What was accepted and where it is, for people.

    Raises:
        InputError: the source is unknown, was not made by relabelling, or the labels that it was made from have
            changed; a case cannot be accepted; or another source has the name.
        VersioningError: the source was added, but git or DVC refused.
    """
    study = Study.open(folder)
    study.select_sources([source])
    relabelling = _read_relabelling(study, source)
    parent = str(relabelling.parameters["source"])
    _check_parent(study, parent, relabelling)
    accepted = set(_check_cases(case_ids, source, relabelling))
    name = name or f"{parent}-reviewed"
    provenance = Provenance(
        operation=OPERATION,
        parents={parent: relabelling.parents[parent], source: compute_source_digest(study, source)},
        parameters={"source": parent, "relabelled": source},
        cases={case_id: {"is_accepted": case_id in accepted} for case_id in relabelling.cases},
    )
    chosen = {case_id: source if case_id in accepted else parent for case_id in relabelling.cases}
    cases = ((case_id, read_source_case(study, origin, case_id)) for case_id, origin in chosen.items())
    is_new = add_relabelled(
        folder,
        name,
        description=f"{parent} with the masks of {source} that a reviewer accepted",
        masks=((case_id, case.mask, case.affine) for case_id, case in cases),
        provenance=provenance,
    )
    found = f"{name}: {len(accepted)} of {len(chosen)} cases from {source}, the others from {parent}"
    return f"{found}\n{record_source(folder, name, is_new=is_new)}"


def _read_relabelling(study: Study, source: str) -> Provenance:
    """How a source was relabelled.

    Raises:
        InputError: it was made in another way.
    """
    file = study.provenance_path(source)
    operation = "none is recorded"
    if file.is_file():
        provenance = Provenance.read_yaml(file)
        if provenance.operation == RELABEL:
            return provenance
        operation = repr(provenance.operation)
    raise InputError(
        "a source must be made by relabelling to be accepted from",
        found=f"the operation {operation}" if file.is_file() else operation,
        where=f"source {source!r}",
        hint="make one with `overread labels relabel`",
    )


def _check_parent(study: Study, parent: str, relabelling: Provenance) -> None:
    study.select_sources([parent])
    if compute_source_digest(study, parent) != relabelling.parents[parent]:
        raise InputError(
            "the labels must be those that were relabelled",
            found="other masks",
            where=f"source {parent!r}",
            hint="relabel again under another name, or bring back the masks with `git checkout` and `dvc checkout`",
        )


def _check_cases(case_ids: Sequence[str], source: str, relabelling: Provenance) -> Sequence[str]:
    if not case_ids:
        raise InputError("cases must name one or more cases to accept", found="none", hint="for example --cases a,b")
    for case_id in case_ids:
        if case_id not in relabelling.cases:
            raise InputError(
                "an accepted case must be one of the source", found=repr(case_id), where=f"source {source!r}"
            )
        _check_was_relabelled(case_id, relabelling.cases[case_id])
    return case_ids


def _check_was_relabelled(case_id: str, result: dict[str, Any]) -> None:
    where = f"case {case_id!r}"
    if not result["has_map"]:
        hint = "estimate its uncertainty with `overread uncertainty` and relabel again under another name"
        raise InputError(
            "an accepted case must have been relabelled", found="one without a map", where=where, hint=hint
        )
    if result["is_kept"]:
        raise InputError(
            "an accepted case must have been relabelled",
            found="one that was left alone, because too much would change",
            where=where,
            hint=_advise(result),
        )


def _advise(result: dict[str, Any]) -> str:
    area_ratio, share = (math.inf if result[name] is None else result[name] for name in ("area_ratio", "changed_share"))
    option = suggest_limit(result["refusal"], area_ratio, share)
    if not option:
        return "a label is never emptied, and none changes where the whole repair was stopped"
    return f"relabel again with {option} and another --name, and accept the case from there"
