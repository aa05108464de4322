"""Step: add a consensus of the raters to a fetched study, by each method."""

from collections.abc import Sequence
from pathlib import Path

from overread.labels.consensus import ConsensusSettings
from overread.runs import make_consensus
from overread.runs.progress import report_progress
from overread.runs.study_copy import copy_study
from overread.study.study import Study


def run(study_folder: Path, sources: Sequence[str], methods: Sequence[str], *, output: Path) -> tuple[str, ...]:
    """Write a copy of a study that holds the consensus sources too.

    They are not recorded in the study's repository: they follow from the raters' masks, and every run makes them anew.

    Args:
        study_folder: the study as it was fetched.
        sources: the raters; all sources that are neither hidden nor derived if empty.
        methods: majority, staple; none for no consensus. A single rater has none either.
        output: folder of the copy.

    Returns:
        The raters, then the consensus sources.

    Raises:
        InputError: unknown source or method, or no case that two raters have labelled.
    """
    settings = [ConsensusSettings.parse({"method": method}, where="consensus") for method in methods]
    raters = Study.open(study_folder).select_sources(sources)
    copy_study(study_folder, output)
    if len(raters) < 2:
        return raters
    names = []
    for one in settings:
        names.append(f"consensus-{one.method}")
        report_progress(make_consensus.run(output, one, sources=raters, name=names[-1]).splitlines()[0])
    return (*raters, *names)
