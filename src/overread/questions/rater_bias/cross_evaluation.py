"""Every source and every network against every other: the matrix of Schwartzman et al. 2019."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pandas as pd

from overread.errors import InputError
from overread.evaluation.compare import LabelSetPair, choose_tolerance, compare_pairs
from overread.evaluation.results import name_network
from overread.questions.rater_bias.pairing import list_name_pairs
from overread.questions.rater_bias.results import CrossEvaluation
from overread.questions.rater_bias.summary import summarise
from overread.study.label_set import LabelSet
from overread.study.study import Study


def cross_evaluate(
    study: Study,
    sources: Sequence[str],
    predictions: Mapping[str, LabelSet],
    *,
    raters: Sequence[str] = (),
    case_ids: Sequence[str] = (),
    tolerance: float | None = None,
    seed: int = 0,
    workers: int = 1,
) -> tuple[CrossEvaluation, pd.DataFrame]:
    """Compare sources with sources, networks with sources, and networks with networks.

    A network counts on the cases that its own source has labelled, where its predictions are held out: network S
    against source T, and against network T, is taken over the cases labelled by both S and T.

    Args:
        study: the study.
        sources: the sources to compare.
        predictions: by source, the held-out masks of the network trained on it.
        raters: those of the sources that are no consensus of others; all if empty.
        case_ids: cases considered; all of the study if empty.
        tolerance: of the surface Dice, in the study's length unit; 1 mm in 3D if None, to be given in 2D.
        seed: of the bootstrap.
        workers: processes that share the cases.

    Returns:
        The summary, and the table with one row per pair of label sets and case (COMPARISON_COLUMNS).

    Raises:
        InputError: `predictions` and `sources` do not match, a name is used twice, no case has a label and a
            prediction, a mask is damaged, or two masks of a case differ in shape.
    """
    _check_names(study, sources, predictions)
    considered = tuple(case_ids) or study.case_ids
    distance = choose_tolerance(study, tolerance)
    pairs = list_pairs(study, sources, predictions, case_ids=considered)
    comparisons = compare_pairs(pairs, study=study, tolerance=distance, workers=workers)
    found = summarise(
        comparisons,
        study=study,
        sources=sources,
        raters=raters or sources,
        case_ids=considered,
        tolerance=distance,
        seed=seed,
    )
    return found, comparisons


def list_pairs(
    study: Study, sources: Sequence[str], predictions: Mapping[str, LabelSet], *, case_ids: Sequence[str]
) -> list[LabelSetPair]:
    """List what is compared on which cases, in the order of `list_name_pairs`."""
    labelled = {source: study.labels(source).select_labelled(case_ids) for source in sources}
    source_of: dict[str, str] = {}
    label_sets: dict[str, LabelSet] = {}
    for source in sources:
        network = replace(predictions[source], name=name_network(source))
        label_sets |= {source: study.labels(source), network.name: network}
        source_of |= {source: source, network.name: source}
    pairs = []
    for prediction, reference in list_name_pairs(sources):
        common = set(labelled[source_of[reference]])
        cases = tuple(case_id for case_id in labelled[source_of[prediction]] if case_id in common)
        pairs.append(LabelSetPair(label_sets[prediction], label_sets[reference], cases))
    return pairs


def _check_names(study: Study, sources: Sequence[str], predictions: Mapping[str, LabelSet]) -> None:
    if not sources:
        raise InputError("a cross-evaluation needs at least one source", found=0)
    study.select_sources(sources)
    if set(predictions) != set(sources):
        raise InputError(
            "there must be one set of predictions per source",
            found=f"predictions for {', '.join(sorted(predictions)) or 'none'}",
            where=f"sources {', '.join(sources)}",
        )
    if clash := {name_network(source) for source in sources} & set(sources):
        raise InputError("a source must not be named as a network is", found=", ".join(sorted(clash)))
