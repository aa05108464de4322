"""Whether the networks of each source have learnt enough that their differences can say anything."""

from collections.abc import Sequence

import pandas as pd

from overread.evaluation.skill import Skill, measure_skill
from overread.questions.rater_bias.repeat_scores import RepeatMasks
from overread.study.study import Study


def measure_skills(
    study: Study,
    repeats: Sequence[RepeatMasks],
    scores: pd.DataFrame,
    comparisons: pd.DataFrame,
    *,
    sources: Sequence[str],
    raters: Sequence[str],
) -> dict[str, Skill]:
    """Measure the skill of the networks of each source; a source without a held-out mask has none.

    Their Dice with their own source is the mean over all repeats, that of a guess is taken from the first repeat's
    masks, and the raters' agreement from the cases that the source has labelled.

    Args:
        study: gives the masks of the sources.
        repeats: masks of all networks.
        scores: REPEAT_COLUMNS.
        comparisons: COMPARISON_COLUMNS, for the raters' agreement with each other.
        sources: names of sources.
        raters: those of them that are no consensus.
    """
    found = {}
    for source in sources:
        own = scores[(scores["source"] == source) & (scores["reference"] == source)]
        if len(own):
            first = min((one for one in repeats if one.source == source), key=lambda one: one.repeat)
            skill = measure_skill(
                study.labels(source),
                first.masks,
                case_ids=list(dict.fromkeys(own["case_id"])),
                subject_of=study.subject_of,
                raters=_average_agreement(comparisons, raters, own["case_id"]),
            )
            found[source] = skill.model_copy(update={"own": float(own["dice"].mean())})
    return found


def _average_agreement(comparisons: pd.DataFrame, raters: Sequence[str], cases: "pd.Series[str]") -> float | None:
    is_among = comparisons["prediction"].isin(raters) & comparisons["reference"].isin(raters)
    rows = comparisons[is_among & comparisons["case_id"].isin(cases)]
    return float(rows["dice"].mean()) if len(rows) else None
