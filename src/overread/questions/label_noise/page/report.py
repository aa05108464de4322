"""The report of the pipeline `label-noise`: how much do imperfect labels matter?"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from overread.errors import InputError
from overread.labels.variant_record import CONTROL
from overread.questions.label_noise.findings import MARGIN
from overread.questions.label_noise.page.figures import draw_noise_curve
from overread.questions.label_noise.page.tables import (
    PAPER_DICE,
    PAPER_NETWORKS,
    PAPER_PRESET,
    Series,
    build_dice_rows,
    compute_paper_slopes,
    describe_range,
    describe_strength,
    group_findings,
    list_incomplete,
    list_series,
)
from overread.questions.label_noise.page.trainings import group_trainings, list_fold_cases
from overread.questions.label_noise.page.wording import choose_step, find_cost, word_noise_answer, word_redraw
from overread.questions.label_noise.results import LabelNoiseEvaluation, NoiseSlope, name_architecture
from overread.questions.label_noise.slopes import BOUNDARY_MODES
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
    values = {
        "context": context,
        "evaluation": evaluation,
        "study": study.settings,
        "title_of": {network: name_architecture(network) for network in evaluation.networks},
        "series": series,
        "gallery": draw_error_cases(scores, evaluation, series, study=study, labels=labels),
        "incomplete": list_incomplete(evaluation, scores),
        "subject_count": len({study.subject_of[case_id] for case_id in evaluation.case_ids}),
        "groups": groups,
        "folds": list_fold_cases(trainings),
        **_tell_findings(evaluation),
        **_draw_curves(evaluation, series),
        **_quote_paper(context),
    }
    write_page(path, render_page(Path(__file__).with_name("label_noise.html.j2"), values))


def _tell_findings(evaluation: LabelNoiseEvaluation) -> dict[str, object]:
    step = choose_step(evaluation)
    return {
        "answer": word_noise_answer(evaluation),
        "redraw": word_redraw(evaluation),
        "step": f"{step:.2f}",
        "boundary_cost": find_cost(evaluation, "boundary", step),
        "random_cost": find_cost(evaluation, "random", step),
        "controls": [evaluation.find_cell(network, CONTROL).mean for network in evaluation.networks],
        **_lay_out_slopes(evaluation),
        "dice_rows": build_dice_rows(evaluation),
        "finding_groups": group_findings(evaluation),
        "margin": MARGIN,
        "variant_rows": [
            (variant, describe_range(variant), describe_strength(variant)) for variant in evaluation.variants
        ],
        "trained_count": sum(cell.training_count for cell in evaluation.cells),
    }


def _lay_out_slopes(evaluation: LabelNoiseEvaluation) -> dict[str, object]:
    """One row per network and, where there are several, one for all of them; one column per mode."""
    modes = tuple(dict.fromkeys(slope.mode for slope in evaluation.slopes))
    several = len(evaluation.networks) > 1
    entries = [*evaluation.slopes, *(slope for slope in evaluation.pooled_slopes if several)]
    rows: dict[str, list[NoiseSlope]] = {}
    for slope in entries:
        if slope.mode in modes:
            rows.setdefault(slope.network, []).append(slope)
    is_mean = len(set(BOUNDARY_MODES) & set(modes)) > 1
    return {
        "slope_modes": modes,
        "slope_rows": list(rows.items()),
        "boundary_slope": evaluation.find_pooled_slope("boundary") if is_mean else None,
    }


def _draw_curves(evaluation: LabelNoiseEvaluation, series: Sequence[Series]) -> dict[str, object]:
    return {
        "curves": [
            (name_architecture(network), draw_noise_curve(evaluation, network, series))
            for network in evaluation.networks
        ]
    }


def _quote_paper(context: RunContext) -> dict[str, object]:
    return {
        "paper_is_open": context.preset == PAPER_PRESET,
        "paper_networks": PAPER_NETWORKS,
        "paper_dice": PAPER_DICE,
        "paper_slopes": compute_paper_slopes(),
    }
