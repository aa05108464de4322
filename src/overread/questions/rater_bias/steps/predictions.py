"""The held-out predictions of a run's networks, as label sets."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from overread.evaluation.results import name_network
from overread.study.label_set import LabelSet
from overread.study.study import Study


def open_predictions(folder: Path, study: Study, sources: Sequence[str]) -> Mapping[str, LabelSet]:
    """The label sets that `predict_cases` wrote for networks whose repeats predict together, by source."""
    return {source: LabelSet(name_network(source), folder / name_network(source), study.suffix) for source in sources}
