"""The page of `rater-bias`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from overread.errors import InputError
from overread.questions.rater_bias.classification_results import SourceClassification
from overread.questions.rater_bias.mixing_results import MixingEvaluation
from overread.questions.rater_bias.page.agreement_tables import build_panels
from overread.questions.rater_bias.page.figures import (
    AgreementPlot,
    draw_bland_altman,
    draw_gap_forest,
    draw_load_bars,
    draw_paired_dice,
)
from overread.questions.rater_bias.page.gallery import CHOICE_RULE, choose_cases, draw_gallery
from overread.questions.rater_bias.page.load_contrast import contrast_loads
from overread.questions.rater_bias.page.load_wording import word_amplification
from overread.questions.rater_bias.page.mixing import build_mixing_section
from overread.questions.rater_bias.page.per_case import (
    Loads,
    check_comparisons,
    collect_case_dice,
    collect_loads,
    compute_source_agreement,
    select_sources,
)
from overread.questions.rater_bias.page.source_classifier import build_source_classifier_section
from overread.questions.rater_bias.page.tables import (
    build_consensus_table,
    build_coverage_table,
    build_gain_table,
    build_load_table,
    build_pair_table,
    build_skill_table,
)
from overread.questions.rater_bias.page.training_summary import (
    build_fold_table,
    build_summary_table,
    build_training_table,
)
from overread.questions.rater_bias.page.wording import advise, count_raters_trainings, list_keys, word_answer
from overread.questions.rater_bias.results import CrossEvaluation
from overread.report.context import RunContext
from overread.report.figures.canvas import Figure
from overread.report.judgement import describe_luck, list_design
from overread.report.page import render_page, write_page
from overread.report.palette import Colours, assign_colours
from overread.study.label_set import LabelSet
from overread.study.study import Study
from overread.training.result import TrainingResult

if TYPE_CHECKING:
    from pandas import DataFrame


_PERSON_KINDS = ("human", "crowd")


def write_rater_bias_report(
    path: Path,
    *,
    evaluation: CrossEvaluation,
    comparisons: "DataFrame",
    study: Study,
    predictions: Mapping[str, LabelSet],
    trainings: Sequence[TrainingResult],
    context: RunContext,
    mixing: MixingEvaluation | None = None,
    classification: "tuple[SourceClassification, DataFrame] | None" = None,
) -> None:
    """Write the report as one HTML file that loads nothing from elsewhere and needs no script.

    Equal inputs give equal bytes.

    Args:
        path: the HTML file; its folder is made.
        evaluation: the numbers.
        comparisons: one row per pair of label sets and case, COMPARISON_COLUMNS.
        study: where images and masks of the sources are read.
        predictions: per source, the held-out predictions of the network trained on it.
        trainings: what was trained on what.
        context: where the numbers come from.
        mixing: the numbers of mixed-source training; without them the page has no such section.
        classification: the numbers of the source classifier and its table per case; likewise.

    Raises:
        InputError: the inputs do not belong together.
    """
    check_comparisons(comparisons, evaluation)
    _check_predictions(evaluation, predictions)
    colours = assign_colours(evaluation.raters)
    of_raters = select_sources(comparisons, evaluation.raters)
    noun = _choose_noun(study, evaluation)
    agreement = compute_source_agreement(of_raters, evaluation.raters)
    chosen = choose_cases(_keep_outlined(agreement, collect_loads(of_raters)))
    subject_count = len({study.subject_of[case_id] for case_id in evaluation.case_ids})
    values = {
        "context": context,
        "evaluation": evaluation,
        "study": study.settings,
        "colours": colours,
        "panels": build_panels(evaluation, noun=noun),
        "coverage_table": build_coverage_table(evaluation, noun=noun),
        "gallery": draw_gallery(chosen, study=study, predictions=predictions, colours=colours),
        "choice_rule": CHOICE_RULE,
        "training_count": len(trainings),
        "summary_table": build_summary_table(trainings, evaluation.sources),
        "training_table": build_training_table(trainings, evaluation.sources),
        "fold_table": build_fold_table(trainings, evaluation.sources),
        "subject_count": subject_count,
        "keys": list_keys(evaluation, subject_count, noun=noun),
        "mixing": build_mixing_section(mixing, assign_colours(evaluation.sources), noun=noun) if mixing else None,
        "classifier": build_source_classifier_section(*classification, noun=noun) if classification else None,
        **_tell_findings(evaluation, of_raters, trainings, noun),
        **_draw_figures(evaluation, of_raters, colours, noun),
    }
    write_page(path, render_page(Path(__file__).with_name("rater_bias.html.j2"), values))


def _tell_findings(
    evaluation: CrossEvaluation, comparisons: "DataFrame", trainings: Sequence[TrainingResult], noun: str
) -> dict[str, object]:
    contrasts = contrast_loads(evaluation.pairs, collect_loads(comparisons))
    gap, matters = evaluation.dice_gap, evaluation.matters
    count = count_raters_trainings(trainings, evaluation.raters)
    return {
        "noun": noun,
        "answer": word_answer(evaluation, advice=advise(trainings, noun=noun), noun=noun),
        "design": list_design(gap, training_count=count, matters=matters.dice) if gap else [],
        "luck": describe_luck(gap) if gap else "",
        "amplification": word_amplification(evaluation.pairs, matters=matters.load, noun=noun),
        "contrast_count": len(contrasts),
        "load_table": build_load_table(contrasts, unit=evaluation.load_unit, noun=noun),
        "pair_table": build_pair_table(evaluation, noun=noun),
        "skill_table": build_skill_table(evaluation, noun=noun),
        "consensus_table": build_consensus_table(evaluation, noun=noun),
        "gain_table": build_gain_table(evaluation, noun=noun),
    }


def _draw_figures(
    evaluation: CrossEvaluation, comparisons: "DataFrame", colours: Colours, noun: str
) -> dict[str, object]:
    unit, loads = evaluation.load_unit, collect_loads(comparisons)
    plots: list[AgreementPlot] = [
        draw_bland_altman(pair, loads, unit=unit) for pair in evaluation.pairs if pair.source_loads.case_count
    ]
    return {
        "paired_dice": draw_paired_dice(collect_case_dice(comparisons, evaluation.raters), colours, noun=noun),
        "load_bars": draw_load_bars(loads, colours, unit=unit),
        "agreement_plots": plots,
        "gap_forest": _draw_gaps(evaluation),
    }


def _draw_gaps(evaluation: CrossEvaluation) -> Figure | None:
    if evaluation.dice_gap is None or len(evaluation.pairs) < 2:
        return None
    rows = [("all pairs", evaluation.dice_gap)]
    rows += [(f"{pair.first} and {pair.second}", pair.dice_gap) for pair in evaluation.pairs]
    return draw_gap_forest(rows)


def _keep_outlined(agreement: Mapping[str, float], loads: Loads) -> dict[str, float]:
    """Leave out cases in which every label set is empty: there is nothing to draw."""
    outlined = {case_id for column in loads.values() for case_id, load in column.items() if load > 0}
    return {case_id: value for case_id, value in agreement.items() if case_id in outlined}


def _choose_noun(study: Study, evaluation: CrossEvaluation) -> str:
    kinds = (study.settings.sources[source].kind for source in evaluation.raters)
    return "rater" if all(kind in _PERSON_KINDS for kind in kinds) else "source"


def _check_predictions(evaluation: CrossEvaluation, predictions: Mapping[str, LabelSet]) -> None:
    missing = [source for source in evaluation.sources if source not in predictions]
    if missing:
        raise InputError("each source must have the predictions of its network", found=f"none of {', '.join(missing)}")
