"""The report of the pipeline `label-noise`: how much do imperfect labels matter?"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from overread.errors import InputError
from overread.questions.label_noise.page.figures import draw_noise_curve
from overread.questions.label_noise.page.paper import PAPER_PRESET, build_paper_tables
from overread.questions.label_noise.page.series import Series, list_series
from overread.questions.label_noise.page.tables import (
    build_decision_table,
    build_dice_table,
    build_incomplete_table,
    build_missing_table,
    build_skill_table,
    build_slope_table,
    build_test_table,
    build_variant_table,
    group_findings,
)
from overread.questions.label_noise.page.trainings import (
    build_fold_table,
    build_run_table,
    build_training_table,
    group_trainings,
)
from overread.questions.label_noise.page.wording import (
    count_trained,
    list_design,
    list_keys,
    word_decision,
    word_error_kinds,
    word_luck,
    word_noise_answer,
    word_redraw,
)
from overread.questions.label_noise.results import LabelNoiseEvaluation, name_architecture
from overread.report.context import RunContext
from overread.report.page import render_page, write_page
from overread.study.label_set import LabelSet
from overread.study.study import Study
from overread.training.result import TrainingResult

if TYPE_CHECKING:
    from pandas import DataFrame


def write_label_noise_report(
    path: Path,
    *,
    evaluation: LabelNoiseEvaluation,
    dice: "DataFrame",
    study: Study,
    labels: Mapping[str, LabelSet],
    trainings: Sequence[TrainingResult],
    context: RunContext,
) -> None:
    """Write the report as one HTML file that loads nothing from elsewhere and needs no script.

    Equal inputs give equal bytes.

    Args:
        path: the HTML file; its folder is made.
        evaluation: the numbers.
        dice: one row per network, variant, repeat and held-out case, DICE_COLUMNS.
        study: where images and clean masks are read.
        labels: masks by name of the variant; empty where labels were drawn anew in every epoch.
        trainings: what was trained on what.
        context: where the numbers come from.

    Raises:
        InputError: the inputs do not belong together.
    """
    from overread.questions.label_noise.page.gallery import draw_error_cases
    from overread.questions.label_noise.scores import index_scores

    names = [variant.name for variant in evaluation.variants]
    if unknown := [name for name in labels if name not in names]:
        raise InputError("each label set must be of a variant of the evaluation", found=", ".join(unknown))
    scores = index_scores(dice, networks=evaluation.networks, variants=names)
    if unknown_cases := [case_id for case_id in scores.subject_of if case_id not in set(evaluation.case_ids)]:
        raise InputError(
            "each held-out case must be one of the evaluation",
            found=", ".join(map(repr, unknown_cases[:5])),
            hint="read dice.csv with case_id as text, so that '007' does not become 7",
        )
    series, groups = list_series(evaluation.variants), group_trainings(trainings, evaluation)
    subject_count = len({study.subject_of[case_id] for case_id in evaluation.case_ids})
    values = {
        "context": context,
        "evaluation": evaluation,
        "study": study.settings,
        "title_of": {network: name_architecture(network) for network in evaluation.networks},
        "series": series,
        "gallery": draw_error_cases(scores, evaluation, series, study=study, labels=labels),
        "incomplete_table": build_incomplete_table(evaluation, scores),
        "subject_count": subject_count,
        "error_kinds": word_error_kinds(evaluation, dimensions=study.settings.dimensions),
        "keys": list_keys(evaluation, subject_count),
        "has_one_repeat": evaluation.repeats < 2,
        "is_one_split": evaluation.folds == 1,
        "matters": f"{evaluation.matters:g}",
        "training_count": sum(len(group.results) for group in groups),
        "training_table": build_training_table(groups),
        "run_table": build_run_table(groups),
        "fold_table": build_fold_table(trainings),
        **_tell_findings(evaluation),
        **_draw_curves(evaluation, series),
        **_quote_paper(context),
    }
    write_page(path, render_page(Path(__file__).with_name("label_noise.html.j2"), values))


def _tell_findings(evaluation: LabelNoiseEvaluation) -> dict[str, object]:
    modes = {slope.mode for slope in evaluation.slopes}
    return {
        "answer": word_noise_answer(evaluation),
        "redraw": word_redraw(evaluation),
        "luck": word_luck(evaluation),
        "design": list_design(evaluation),
        "skill_table": build_skill_table(evaluation),
        "step": f"{evaluation.step:.2f}",
        "modes": modes,
        "slope_table": build_slope_table(evaluation),
        "boundary_slope": evaluation.find_pooled_slope("boundary") if {"natural", "choppy"} <= modes else None,
        "dice_table": build_dice_table(evaluation),
        "decision_table": build_decision_table(evaluation),
        "decision": word_decision(evaluation),
        "test_table": build_test_table(evaluation),
        "finding_groups": group_findings(evaluation),
        "variant_table": build_variant_table(evaluation),
        "missing_table": build_missing_table(evaluation),
        "trained_count": count_trained(evaluation),
    }


def _draw_curves(evaluation: LabelNoiseEvaluation, series: Sequence[Series]) -> dict[str, object]:
    return {
        "curves": [
            (name_architecture(network), draw_noise_curve(evaluation, network, series))
            for network in evaluation.networks
        ]
    }


def _quote_paper(context: RunContext) -> dict[str, object]:
    return {"paper_is_open": context.preset == PAPER_PRESET, "paper_tables": build_paper_tables()}
