"""The report of the pipeline `relabel`: do networks gain by relabelling noisy labels by uncertainty?"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from overread.errors import InputError
from overread.questions.relabel.page.figures import (
    BETTER_COLOUR,
    CHANGE_COLOUR,
    CONTINUED_COLOUR,
    MASK_COLOURS,
    PLAIN_COLOUR,
    SAME_COLOUR,
    WATCHED_COLOUR,
    WORSE_COLOUR,
    RepairedCase,
    draw_uncertainty_curve,
)
from overread.questions.relabel.page.gallery import CLEAN_LABELS, draw_examples, name_noisy, name_relabelled
from overread.questions.relabel.page.paper import PAPER_PRESET, build_paper_tables
from overread.questions.relabel.page.tables import (
    build_missing_table,
    build_pair_table,
    build_repair_table,
    build_test_table,
    name_method,
    name_noise,
)
from overread.questions.relabel.page.trainings import (
    build_method_table,
    build_source_table,
    build_training_table,
    build_watched_table,
    list_watched,
)
from overread.questions.relabel.page.wording import (
    choose_luck,
    count_trained,
    list_answers,
    list_design_keys,
    list_keys,
    word_disagreement,
    word_labels,
    word_relabel_answer,
)
from overread.questions.relabel.results import RelabelEvaluation
from overread.report.context import RunContext
from overread.report.page import render_page, write_page
from overread.study.label_set import LabelSet
from overread.study.study import Study

if TYPE_CHECKING:
    from pandas import DataFrame


def write_relabel_report(
    path: Path,
    *,
    evaluation: RelabelEvaluation,
    relabelled: "DataFrame",
    study: Study,
    labels: Mapping[str, LabelSet],
    context: RunContext,
) -> None:
    """Write the report as one HTML file that loads nothing from elsewhere and needs no script.

    Equal inputs give equal bytes.

    Args:
        path: the HTML file; its folder is made.
        evaluation: the numbers.
        relabelled: one row per relabelled mask, LABEL_COLUMNS.
        study: where images are read.
        labels: masks by `clean`, `noisy:<noise>` and `relabelled:<noise>:<method>`; what there is not is left out.
        context: where the numbers come from.

    Raises:
        InputError: the inputs do not belong together, or see `check_labels`.
    """
    from overread.questions.relabel.scores import check_labels

    _check(evaluation, labels)
    noises = tuple(noise.name for noise in evaluation.noises)
    masks = check_labels(relabelled, noises=noises, methods=evaluation.methods)
    subject_count = len({study.subject_of[case_id] for case_id in evaluation.case_ids})
    values = {
        "context": context,
        "evaluation": evaluation,
        "study": study.settings,
        "subject_count": subject_count,
        "keys": list_keys(evaluation, subject_count),
        "unlabelled": _list_unlabelled(evaluation, study),
        "gallery": draw_examples(evaluation, masks, study=study, labels=labels),
        "repair_figures": _draw_repairs(evaluation, masks),
        "mask_colours": MASK_COLOURS,
        **_tell_numbers(evaluation),
        **_draw_curves(evaluation),
        **_give_names(),
        "paper_is_open": context.preset == PAPER_PRESET,
        "paper_tables": build_paper_tables(),
    }
    write_page(path, render_page(Path(__file__).with_name("relabel.html.j2"), values))


def _check(evaluation: RelabelEvaluation, labels: Mapping[str, LabelSet]) -> None:
    noises = [noise.name for noise in evaluation.noises]
    known = {CLEAN_LABELS, *map(name_noisy, noises)}
    known |= {name_relabelled(noise, method) for noise in noises for method in evaluation.methods}
    if unknown := sorted(set(labels) - known):
        raise InputError(
            "each label set must be of the evaluation",
            found=", ".join(unknown),
            hint=f"known: {', '.join(sorted(known))}",
        )


def _tell_numbers(evaluation: RelabelEvaluation) -> dict[str, object]:
    return {
        "answer": word_relabel_answer(evaluation),
        "answers": list_answers(evaluation),
        "labels_told": " ".join(filter(None, (word_labels(evaluation), word_disagreement(evaluation)))),
        "design": list_design_keys(evaluation),
        "luck": choose_luck(evaluation),
        "first": evaluation.noises[0].name,
        "pair_table": build_pair_table(evaluation),
        "test_table": build_test_table(evaluation),
        "repair_table": build_repair_table(evaluation),
        "method_table": build_method_table(evaluation),
        "watched_table": build_watched_table(evaluation),
        "source_table": build_source_table(evaluation),
        "missing_table": build_missing_table(evaluation),
        "training_table": build_training_table(evaluation),
        "rules": {training.rule for training in evaluation.watched},
        "corrections": {cell.correction for cell in evaluation.cells},
        "trained_count": count_trained(evaluation),
        "skills": [(noise, skill) for noise, skill in evaluation.skills.items()],
    }


def _draw_curves(evaluation: RelabelEvaluation) -> dict[str, object]:
    main, *others = evaluation.methods
    pairs = [(noise.name, main) for noise in evaluation.noises]
    pairs += [(noise.name, method) for noise in evaluation.noises for method in others]
    curves = []
    for noise, method in pairs:
        plain = [one for one in evaluation.plain if (one.noise, one.correction) == (noise, "none")]
        title = f"{name_noise(noise)}, {name_method(method)}"
        figure = draw_uncertainty_curve(list_watched(evaluation, noise, method), plain, title=title)
        if figure is not None:
            curves.append((noise, method, figure))
    return {
        "main_curves": [(noise, figure) for noise, method, figure in curves if method == main],
        "other_curves": [curve for curve in curves if curve[1] != main],
        "curve_colours": (PLAIN_COLOUR, WATCHED_COLOUR, CONTINUED_COLOUR, CHANGE_COLOUR),
    }


def _draw_repairs(evaluation: RelabelEvaluation, masks: "DataFrame") -> list[tuple[str, object]]:
    from overread.questions.relabel.evaluation import average_masks, choose_masks
    from overread.questions.relabel.page.figures import draw_label_repairs

    figures: list[tuple[str, object]] = []
    for noise in evaluation.noises:
        dice = average_masks(choose_masks(masks, noise.name, evaluation.methods[0]))
        pairs = zip(dice.index, dice["before_dice"].tolist(), dice["after_dice"].tolist(), strict=True)
        cases = [RepairedCase(str(case_id), before, after) for case_id, before, after in pairs]
        if cases:
            figures.append((noise.name, draw_label_repairs(cases, title=name_noise(noise.name))))
    return figures


def _list_unlabelled(evaluation: RelabelEvaluation, study: Study) -> tuple[str, ...]:
    if not evaluation.clean_source:
        return ()
    labelled = set(study.labels(evaluation.clean_source).select_labelled(evaluation.case_ids))
    return tuple(case_id for case_id in evaluation.case_ids if case_id not in labelled)


def _give_names() -> dict[str, object]:
    return {
        "repair_colours": (BETTER_COLOUR, WORSE_COLOUR, SAME_COLOUR),
        "name_noise": name_noise,
        "name_method": name_method,
    }
