"""The page of `crowd-disagreement`."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from overread.errors import InputError
from overread.questions.crowd_disagreement.feature_sets import CONSENSUS, DISAGREEMENT
from overread.questions.crowd_disagreement.page.figures import (
    DISAGREEMENT_COLOUR,
    NEGATIVE,
    POSITIVE,
    draw_auc_forest,
    draw_case_embedding,
    draw_permutation_histogram,
    draw_spread_by_class,
    find_lowest,
)
from overread.questions.crowd_disagreement.page.wording import (
    find_whole,
    is_better_than_chance,
    word_crowd_answer,
    word_gain,
    word_measures,
    write_auc,
)
from overread.questions.crowd_disagreement.results import CASE_COLUMNS, CrowdEvaluation, FeatureSetScore
from overread.report.context import RunContext
from overread.report.page import render_page, write_page

if TYPE_CHECKING:
    from overread.questions.crowd_disagreement.evaluation import CrowdAnalysis

PAPER_PRESET = "cheplygina2018"

PAPER_AUC: Mapping[str, str] = {
    "all": "0.96",
    "feature:Asymmetry": "0.78",
    "feature:Color": "0.93",
    "feature:Border": "0.82",
    "feature:Dermo": "0.81",
    "feature:Blue": "0.73",
    CONSENSUS: "0.99",
    "std": "0.71",
    "skewness": "0.73",
}
"""Mean AUC of one 10-fold cross-validation, by the key of the set of features, as section 3 of the paper gives them.

The figure of asymmetry is the other one of "0.78 and 0.73", the second of which the text gives to blue glow.
"""

PAPER_ANNOTATORS = "0.90–0.98"
"""Range over the annotators; which of them has which value is only in a figure."""


def quote_paper(key: str) -> str:
    """What the paper gives for a set of features, as text; empty where its text gives nothing."""
    return PAPER_ANNOTATORS if key.startswith("annotator:") else PAPER_AUC.get(key, "")


NOTEWORTHY = 0.005
"""Difference of two AUC from which on two decimals differ."""

_EXPERIMENTS = (
    ("Which ratings tell the outcome?", ("all", "feature", "annotator")),
    ("Consensus or disagreement?", ("combined", "measure")),
)


def write_crowd_report(path: Path, *, analysis: "CrowdAnalysis", context: RunContext) -> None:
    """Write the report as one HTML file that loads nothing from elsewhere and needs no script.

    Equal inputs give equal bytes.

    Args:
        path: the HTML file; its folder is made.
        analysis: the numbers and the tables behind them.
        context: where the numbers come from.

    Raises:
        InputError: the tables do not belong to the evaluation.
    """
    evaluation = analysis.evaluation
    _check_tables(analysis)
    values = {
        "context": context,
        "evaluation": evaluation,
        "answer": word_crowd_answer(evaluation),
        "gain": word_gain(evaluation),
        "measures": word_measures(evaluation),
        "whole": find_whole(evaluation),
        "consensus": evaluation.find_score(CONSENSUS),
        "disagreement": evaluation.find_score(DISAGREEMENT),
        "main_test": evaluation.find_test(DISAGREEMENT),
        "write_auc": write_auc,
        "is_better_than_chance": is_better_than_chance,
        "quote_paper": quote_paper,
        "is_paper": context.preset == PAPER_PRESET and evaluation.table.kind == "ratings",
        "differing": [score for score in evaluation.scores if _differs(score)],
        "styles": {"positive": POSITIVE, "negative": NEGATIVE},
        "disagreement_colour": DISAGREEMENT_COLOUR,
        "experiments": _group_scores(evaluation),
        **_draw_figures(analysis),
    }
    write_page(path, render_page(Path(__file__).with_name("crowd_disagreement.html.j2"), values))


def _check_tables(analysis: "CrowdAnalysis") -> None:
    evaluation = analysis.evaluation
    wanted = [*CASE_COLUMNS, *(contrast.column for contrast in evaluation.contrasts)]
    if list(analysis.cases.columns) != wanted or len(analysis.cases) != evaluation.case_count:
        raise InputError("the table of cases must be that of the evaluation", found=", ".join(analysis.cases.columns))
    if list(analysis.permuted.columns) != [test.key for test in evaluation.tests]:
        found = ", ".join(analysis.permuted.columns)
        raise InputError("the permutations must be those of the evaluation", found=found)


def _differs(score: FeatureSetScore) -> bool:
    return abs(score.auc.estimate - score.other_order_auc) >= NOTEWORTHY


def _group_scores(evaluation: CrowdEvaluation) -> list[tuple[str, list[FeatureSetScore]]]:
    """Scores by experiment; a study has the second alone."""
    grouped = [
        (title, [score for score in evaluation.scores if score.group in groups]) for title, groups in _EXPERIMENTS
    ]
    if evaluation.table.kind == "sources":
        return [(_EXPERIMENTS[1][0], list(evaluation.scores))]
    return grouped


def _draw_figures(analysis: "CrowdAnalysis") -> dict[str, object]:
    evaluation = analysis.evaluation
    lowest = find_lowest(evaluation.scores)
    return {
        "forests": [(title, draw_auc_forest(scores, lowest=lowest)) for title, scores in _group_scores(evaluation)],
        "histograms": [
            (test, draw_permutation_histogram(test, analysis.permuted[test.key].tolist())) for test in evaluation.tests
        ],
        "embedding": draw_case_embedding(analysis.cases, evaluation.outcome, evaluation.explained),
        "spreads": draw_spread_by_class(analysis.cases, evaluation.contrasts, evaluation.outcome),
    }
