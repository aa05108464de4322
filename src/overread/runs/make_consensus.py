"""Step: make a consensus of several sources, as a new source of the study."""

from collections.abc import Sequence
from pathlib import Path

from overread.labels.consensus import ConsensusSettings, describe_consensus, make_consensus
from overread.runs.derived_source import check_source_name, has_same_source, record_source
from overread.study.schema import Provenance, SourceSettings
from overread.study.study import Study, add_source


def run(folder: Path, settings: ConsensusSettings, *, sources: Sequence[str], name: str = "") -> str:
    """Add the consensus of several sources as a new source of kind `consensus`.

    Args:
        folder: folder of the study; its repository gets a commit where it has one.
        settings: how votes become one label.
        sources: whose votes count, two or more in any order.
        name: name of the new source; consensus-METHOD if empty.

    Returns:
        Cases and raters, what was not settled by a vote, and where the source is, for people.

    Raises:
        InputError: fewer than two sources, an unknown one, no case that two of them have labelled, masks of a case that
            differ in shape or place, or another source has the name.
        VersioningError: the source was added, but git or DVC refused.
    """
    study, name = Study.open(folder), name or f"consensus-{settings.method}"
    check_source_name(name)
    wanted = describe_consensus(study, sources, settings)
    is_new = not _is_held(study, name, wanted)
    if is_new:
        made = make_consensus(study, sources, settings)
        description = f"{settings.method} of {', '.join(wanted.parameters['sources'])}"
        source = SourceSettings(kind="consensus", description=description)
        add_source(folder, name, settings=source, masks=made.iterate_masks(), provenance=made.provenance)
    found = _describe(name, Provenance.read_yaml(study.provenance_path(name)), case_count=len(study.cases))
    return f"{found}\n{record_source(folder, name, is_new=is_new)}"


def _is_held(study: Study, name: str, wanted: Provenance) -> bool:
    """Whether the study has this consensus of these very masks.

    Its cases follow from them and are not compared: their last digits may differ from machine to machine.

    Raises:
        InputError: the study has another source of that name.
    """
    file = study.provenance_path(name)
    if name in study.settings.sources and file.is_file():
        return has_same_source(study, name, wanted.model_copy(update={"cases": Provenance.read_yaml(file).cases}))
    return has_same_source(study, name, wanted)


def _describe(name: str, provenance: Provenance, *, case_count: int) -> str:
    parameters, results = provenance.parameters, provenance.cases
    lines = [f"{name}: {parameters['method']} of {', '.join(parameters['sources'])} in {len(results)} cases"]
    if single := sum(result["is_single"] for result in results.values()):
        lines.append(f"{single} labelled by one of them alone, whose mask is kept")
    if unlabelled := case_count - len(results):
        lines.append(f"{unlabelled} further cases labelled by none of them are left out")
    if unsettled := [case_id for case_id, result in results.items() if not result.get("is_converged", True)]:
        lines.append(f"not converged after {parameters['iteration_limit']} iterations: {', '.join(unsettled)}")
    return "\n".join(lines)
