"""The lines at the end of a local run of `crowd-disagreement`."""

from pathlib import Path

from overread.questions.crowd_disagreement.feature_sets import COMBINED, CONSENSUS, DISAGREEMENT
from overread.questions.crowd_disagreement.page.wording import word_crowd_answer, word_gain
from overread.questions.crowd_disagreement.results import CrowdEvaluation, FeatureSetScore
from overread.questions.crowd_disagreement.steps.crowd_analysis_files import read_crowd_evaluation
from overread.report.formatting import NO_BREAK

_MAIN_SETS = ("all", CONSENSUS, DISAGREEMENT, COMBINED)


def summarise(folder: Path) -> list[str]:
    """AUC of the main sets of features, and the answer in a sentence.

    Args:
        folder: outputs of the run.
    """
    return describe_disagreement(read_crowd_evaluation(folder / "crowd_evaluation"))


def describe_disagreement(evaluation: CrowdEvaluation) -> list[str]:
    """The lines of the summary: the table, then the answer and, for ratings, what disagreement adds."""
    answer, gain = word_crowd_answer(evaluation).sentence, word_gain(evaluation)
    return [*_tabulate(evaluation), "", *(line.replace(NO_BREAK, " ") for line in (answer, gain) if line)]


def _tabulate(evaluation: CrowdEvaluation) -> list[str]:
    of_key = {score.key: score for score in evaluation.scores}
    scores = [of_key[key] for key in _MAIN_SETS if key in of_key]
    head = f"AUC ({100 * evaluation.settings.confidence:g} % interval)"
    width = max(len(head), *(len(score.title) for score in scores)) + 2
    return [head, *(_show(score, width) for score in scores), _count(evaluation)]


def _show(score: FeatureSetScore, width: int) -> str:
    auc = score.auc
    return f"{score.title.ljust(width)}{auc.estimate:.3f} ({auc.low:.3f} to {auc.high:.3f})"


def _count(evaluation: CrowdEvaluation) -> str:
    outcome = evaluation.outcome
    left_out = len(evaluation.incomplete) + len(evaluation.without_outcome)
    return (
        f"{evaluation.case_count} cases, {outcome.positive_count} of them with {outcome.column} {outcome.positive}; "
        f"{left_out} left out"
    )
