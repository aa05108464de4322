"""Which cases each label set lacks, and in which it outlines nothing."""

from dataclasses import dataclass

from overread.evaluation.results import name_network
from overread.questions.rater_bias.results import CrossEvaluation


@dataclass(frozen=True)
class Coverage:
    """Cases of one source and its network.

    Attributes:
        source: the source.
        labelled_count: cases that it labelled.
        missing: cases that it did not label.
        empty: cases in which it outlines nothing.
        network_missing: labelled cases of which its network has no prediction.
        network_empty: cases in which its network outlines nothing.
    """

    source: str
    labelled_count: int
    missing: tuple[str, ...]
    empty: tuple[str, ...]
    network_missing: tuple[str, ...]
    network_empty: tuple[str, ...]


def list_coverage(evaluation: CrossEvaluation) -> tuple[Coverage, ...]:
    """List missing and empty cases of every source."""
    return tuple(_describe(evaluation, source) for source in evaluation.sources)


def _describe(evaluation: CrossEvaluation, source: str) -> Coverage:
    missing = evaluation.missing_cases.get(source, ())
    return Coverage(
        source=source,
        labelled_count=len(evaluation.case_ids) - len(missing),
        missing=missing,
        empty=evaluation.empty_cases.get(source, ()),
        network_missing=evaluation.missing_cases.get(name_network(source), ()),
        network_empty=evaluation.empty_cases.get(name_network(source), ()),
    )
