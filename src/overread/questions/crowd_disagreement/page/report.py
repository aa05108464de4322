"""The page of `crowd-disagreement`."""

from pathlib import Path
from typing import TYPE_CHECKING

from overread.errors import InputError
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
from overread.questions.crowd_disagreement.page.paper import PAPER_PRESET
from overread.questions.crowd_disagreement.page.tables import (
    build_contrast_table,
    build_score_table,
    build_test_table,
    is_changed_by_order,
)
from overread.questions.crowd_disagreement.page.wording import (
    LUCK,
    list_design,
    list_keys,
    word_crowd_answer,
    word_gain,
    word_measures,
)
from overread.questions.crowd_disagreement.results import CASE_COLUMNS, CrowdEvaluation, FeatureSetScore
from overread.report.context import RunContext
from overread.report.page import render_page, write_page

if TYPE_CHECKING:
    from overread.questions.crowd_disagreement.evaluation import CrowdAnalysis

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
    is_paper = context.preset == PAPER_PRESET and evaluation.table.kind == "ratings"
    values = {
        "context": context,
        "evaluation": evaluation,
        "answer": word_crowd_answer(evaluation),
        "gain": word_gain(evaluation),
        "measures": word_measures(evaluation),
        "keys": list_keys(evaluation),
        "design": list_design(evaluation),
        "luck": LUCK,
        "main_test": evaluation.main_test,
        "is_paper": is_paper,
        "score_table": build_score_table(_group_scores(evaluation), evaluation.settings, quotes_paper=is_paper),
        "test_table": build_test_table(evaluation.tests, is_ratings=evaluation.table.kind == "ratings"),
        "contrast_table": build_contrast_table(evaluation.contrasts, evaluation.outcome),
        "differing": [score for score in evaluation.scores if is_changed_by_order(score)],
        "styles": {"positive": POSITIVE, "negative": NEGATIVE},
        "disagreement_colour": DISAGREEMENT_COLOUR,
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
            (test.title, draw_permutation_histogram(test, analysis.permuted[test.key].tolist()))
            for test in evaluation.tests
        ],
        "embedding": draw_case_embedding(analysis.cases, evaluation.outcome, evaluation.explained),
        "spreads": draw_spread_by_class(analysis.cases, evaluation.contrasts, evaluation.outcome),
    }
