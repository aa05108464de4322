"""The report of the pipeline `acquisition-bias`: can an image tell how it was acquired?"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from overread.errors import InputError
from overread.evaluation.confounding import STRONG
from overread.questions.acquisition_bias.page.figures import draw_auroc_forest
from overread.questions.acquisition_bias.page.tables import (
    build_confounding_table,
    build_error_table,
    build_fall_table,
    build_matching_table,
    build_test_table,
    build_variant_table,
)
from overread.questions.acquisition_bias.page.trainings import build_fold_table, build_training_table
from overread.questions.acquisition_bias.page.wording import (
    LUCK,
    list_design,
    list_error_contrasts,
    list_keys,
    word_acquisition_answer,
    word_confounding,
    word_errors,
    word_matching,
    word_regions,
    word_rule,
)
from overread.questions.acquisition_bias.probe_folds import ProbeFold
from overread.questions.acquisition_bias.probe_settings import ProbePreset, ProbeTraining
from overread.questions.acquisition_bias.results import VARIANT_TITLES, AcquisitionEvaluation
from overread.report.context import RunContext
from overread.report.formatting import ABSENT
from overread.report.page import render_page, write_page
from overread.report.table import Table
from overread.study.study import Study

if TYPE_CHECKING:
    from pandas import DataFrame

    from overread.questions.acquisition_bias.probe_stacks import StackSummary

PAPER_PRESET = "name-that-manufacturer"


def build_paper_table() -> Table:
    """Accuracy and AUROC of the paper, mean ± what it calls variance, and accuracy by class.

    Results section and table 2: head CT of 684 series, 66 of them tested on 4 packages of 3 slices.
    """
    return Table(
        label="The paper's results",
        columns=["Network", "Accuracy", "AUROC", "Siemens", "GE"],
        rows=[
            ["All models, on average", "95 ± 4 %", ABSENT, ABSENT, ABSENT],
            ["Model 1", "98.11 ± 0.65 %", "0.99 ± 0.01", "100 %", "96.21 ± 1.31 %"],
            ["Model 2", "98.86 ± 1.25 %", "0.99 ± 0.01", "100 %", "97.72 ± 2.21 %"],
        ],
        style="dense",
    )


@dataclass(frozen=True)
class ProbeRun:
    """What was trained on what.

    Attributes:
        classes: in the order of the probabilities.
        preset: all settings.
        folds: rounds with the true classes.
        trainings: one per variant, shuffle and round.
        stacks: how the slices were made.
    """

    classes: tuple[str, ...]
    preset: ProbePreset
    folds: tuple[ProbeFold, ...]
    trainings: Sequence[ProbeTraining]
    stacks: "StackSummary"


def write_acquisition_report(
    path: Path,
    *,
    evaluation: AcquisitionEvaluation,
    scores: "DataFrame",
    study: Study,
    run: ProbeRun,
    context: RunContext,
) -> None:
    """Write the report as one HTML file that loads nothing from elsewhere and needs no script.

    Equal inputs give equal bytes.

    Args:
        path: the HTML file; its folder is made.
        evaluation: the numbers.
        scores: what every probe said of every package, SCORE_COLUMNS and the probabilities.
        study: where images are read.
        run: what was trained on what.
        context: where the numbers come from.

    Raises:
        InputError: the inputs do not belong together.
    """
    from overread.questions.acquisition_bias.package_scores import index_scores
    from overread.questions.acquisition_bias.page.gallery import draw_examples

    whole = index_scores(scores[(scores["variant"] == "whole") & (scores["shuffle"] == 0)], run.classes)
    if unknown := [case_id for case_id in whole.case_ids if case_id not in study.subject_of]:
        raise InputError("each held-out case must be one of the study", found=", ".join(map(repr, unknown[:5])))
    values = {
        "context": context,
        "evaluation": evaluation,
        "study": study.settings,
        "preset": run.preset,
        "stacks": run.stacks,
        "design": list_design(evaluation, training_count=len(run.trainings)),
        "title_of": VARIANT_TITLES,
        "strong": STRONG,
        "forest": draw_auroc_forest(evaluation.variants, evaluation.chance_band),
        "examples": draw_examples(whole, run.classes, study=study, settings=run.preset.image, stacks=run.stacks),
        "paper_is_open": context.preset == PAPER_PRESET,
        **_build_tables(evaluation, run),
        **_tell_findings(evaluation, run.stacks.hidden_air_share),
    }
    write_page(path, render_page(Path(__file__).with_name("acquisition_bias.html.j2"), values))


def _build_tables(evaluation: AcquisitionEvaluation, run: ProbeRun) -> dict[str, Table]:
    return {
        "variant_table": build_variant_table(evaluation),
        "test_table": build_test_table(evaluation),
        "fall_table": build_fall_table(evaluation),
        "paper_table": build_paper_table(),
        "confounding_table": build_confounding_table(evaluation.confounding.columns),
        "matching_table": build_matching_table(evaluation.matching),
        "error_table": build_error_table(evaluation),
        "training_table": build_training_table(run.trainings, run.preset.training.epochs),
        "fold_table": build_fold_table(run.folds),
    }


def _tell_findings(evaluation: AcquisitionEvaluation, hidden_air_share: float | None) -> dict[str, object]:
    contrasts = list_error_contrasts(evaluation)
    return {
        "answer": word_acquisition_answer(evaluation),
        "keys": list_keys(evaluation),
        "rule": word_rule(evaluation),
        "luck": LUCK,
        "regions": word_regions(evaluation, hidden_air_share=hidden_air_share),
        "warning": word_confounding(evaluation.confounding, evaluation.target),
        "matching": word_matching(evaluation.matching),
        "errors": word_errors(contrasts),
        "groupings": tuple(dict.fromkeys(entry.grouping for entry in evaluation.errors)),
    }
