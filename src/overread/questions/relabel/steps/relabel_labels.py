"""Step: relabel a source from stored uncertainty maps, as a new source of the study."""

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from overread.errors import InputError
from overread.labels.relabel_rules.change import Change
from overread.questions.relabel.steps.relabel_source import add_relabelled_source, make_relabelled_source
from overread.questions.relabel.steps.review_labels import REVIEW_PAGE
from overread.questions.relabel.steps.settled_change import RelabelChoice
from overread.runs.derived_source import record_source
from overread.runs.map_collection import open_map_folder
from overread.study.output_folder import check_is_outside_labels
from overread.study.schema import Provenance
from overread.study.study import Study

_CHANGE: TypeAdapter[Change] = TypeAdapter(Change)
_OWN_FOLDER = ".overread"
"""Left out of the study's revisions."""


def run(
    folder: Path, source: str, choice: RelabelChoice, *, uncertainty: Path, name: str = "", output: Path | None = None
) -> str:
    """Relabel a source, add the result to the study, and leave a review list.

    Args:
        folder: folder of the study; its repository gets a commit where it has one.
        source: the labels to repair.
        choice: the rule, and the limits on what may change.
        uncertainty: folder of the maps, see `open_map_folder`.
        name: name of the new source; SOURCE-relabelled if empty.
        output: gets `review.html`, `cases.csv` and `regions.csv`, new or empty; `.overread/review/<name>` of the study
            if None, where an earlier list of the same source is replaced.

    Returns:
        The change that was chosen, what was changed and left alone, and where everything is, for people.

    Raises:
        InputError: unknown source, no map of a labelled case, a map of another shape, another source has the name, or
            the output folder holds something.
        VersioningError: the source was added, but git or DVC refused.
    """
    study, name = Study.open(folder), name or f"{source}-relabelled"
    target = output or folder / _OWN_FOLDER / "review" / name
    if output is not None:
        _check_output(folder, output)
    study.select_sources([source])
    maps = open_map_folder(uncertainty, study)
    (folder / _OWN_FOLDER).mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="relabel-", dir=folder / _OWN_FOLDER) as scratch:
        made = make_relabelled_source(study, source, maps, name=name, choice=choice, output=Path(scratch) / name)
        is_new = add_relabelled_source(folder, made)
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(made.review_folder, target)
        found = _describe(name, made.read_provenance())
    return f"{found}\n{record_source(folder, name, is_new=is_new)}\nreview list: {target / REVIEW_PAGE}"


def _check_output(folder: Path, output: Path) -> None:
    check_is_outside_labels(folder, output)
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise InputError("the output folder must be new or empty", found=output, hint="choose another folder")


def _describe(name: str, provenance: Provenance) -> str:
    results, parameters = provenance.cases.values(), provenance.parameters
    mapped = [result for result in results if result["has_map"]]
    kept = sum(result["is_kept"] for result in mapped)
    changed = sum(result["changed_count"] > 0 and not result["is_kept"] for result in mapped)
    unmapped = sum(not result["has_map"] for result in results)
    change = _CHANGE.validate_python(parameters["change"])
    remarks = [
        text for text in (parameters["remark"], parameters["stopped"] and f"stopped: {parameters['stopped']}") if text
    ]
    told = (
        f"{name}: {parameters['rule']} ({change.describe()}{_word_choice(parameters)}), {changed} of {len(results)} "
        f"cases changed, {kept} left alone beyond the limits, {unmapped} without a map"
    )
    return "\n".join([told, *remarks])


def _word_choice(parameters: Mapping[str, Any]) -> str:
    if parameters["rule"] in ("paper", "contradicted"):
        return "" if parameters["threshold_rule"] == "given" else ", chosen from the maps"
    count = len(parameters["clean_case_ids"])
    return f", chosen by {count} clean cases" if count else ", no clean label looked at"
