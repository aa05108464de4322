"""What relabelling looks like: cases with their clean, noisy and relabelled outlines, chosen by a rule."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from overread.questions.relabel.page.figures import MASK_COLOURS, draw_relabelled_outlines
from overread.questions.relabel.page.tables import name_noise
from overread.questions.relabel.results import RelabelEvaluation
from overread.report.figures.canvas import Figure
from overread.report.formatting import format_dice
from overread.report.slice_view import SliceView, view_case
from overread.study.label_set import LabelSet
from overread.study.study import Study

if TYPE_CHECKING:
    from pandas import DataFrame
    from pandas import Series as Column

CLEAN_LABELS = "clean"
"""Name of the clean label set among those of the page."""


@dataclass(frozen=True)
class RelabelledPicture:
    """One case with one noise.

    Attributes:
        noise: which labels were repaired.
        caption: label Dice before and after, or why there is none.
        figure: the picture.
    """

    noise: str
    caption: str
    figure: Figure


@dataclass(frozen=True)
class RelabelledExample:
    """One case of the gallery.

    Attributes:
        case_id: the case.
        reason: why it is shown.
        noise: by which labels it was chosen.
        view: what part of it is shown.
        pictures: one per noise that has a mask of the case.
    """

    case_id: str
    reason: str
    noise: str
    view: SliceView
    pictures: tuple[RelabelledPicture, ...]


def name_noisy(noise: str) -> str:
    """Name of a noisy label set among those of the page."""
    return f"noisy:{noise}"


def name_relabelled(noise: str, method: str) -> str:
    """Name of a relabelled label set among those of the page."""
    return f"relabelled:{noise}:{method}"


def draw_examples(
    evaluation: RelabelEvaluation, masks: "DataFrame", *, study: Study, labels: Mapping[str, LabelSet]
) -> tuple[RelabelledExample, ...]:
    """Draw the cases of largest, median and least gain of label Dice, by the first noise that has relabelled masks.

    Where no case has a clean mask, the share of the labelled voxels that changed takes the place of the gain. Cases in
    which the noisy mask is empty are passed over.

    Args:
        evaluation: the numbers.
        masks: LABEL_COLUMNS.
        study: where images are read.
        labels: `clean`, `noisy:<noise>` and `relabelled:<noise>:<method>`, those that there are.
    """
    relabelled = set(masks.loc[masks["method"] == evaluation.methods[0], "noise"])
    noises = [noise.name for noise in evaluation.noises if noise.name in relabelled]
    if not noises or name_noisy(noises[0]) not in labels:
        return ()
    ordered, measure = _order_cases(masks, noises[0], evaluation.methods[0])
    chosen = choose_examples([str(case_id) for case_id in ordered.index], labels[name_noisy(noises[0])], measure)
    return tuple(
        RelabelledExample(case_id, reason, noises[0], *_draw(evaluation, masks, case_id, study=study, labels=labels))
        for case_id, reason in chosen.items()
    )


def choose_examples(ordered: Sequence[str], noisy: LabelSet, measure: str) -> dict[str, str]:
    """Choose the last, middle and first case, each with its reason, or the nearest ones in which something is outlined.

    With an even number of cases the middle is the first of the two.

    Args:
        ordered: cases, smallest value first.
        noisy: the masks before relabelling; cases without one are passed over.
        measure: what they are ordered by.
    """
    middle = (len(ordered) - 1) // 2
    near_middle = sorted(ordered, key=lambda case_id: abs(ordered.index(case_id) - middle))
    chosen: dict[str, str] = {}
    for reason, candidates in (("largest", ordered[::-1]), ("least", ordered), ("median", near_middle)):
        labelled = noisy.select_labelled(candidates)
        found = next((case_id for case_id in labelled if noisy.read(case_id).any()), None)
        if found is not None:
            chosen.setdefault(found, f"{reason} {measure}")
    return {case_id: chosen[case_id] for case_id in reversed(ordered) if case_id in chosen}


def _order_cases(masks: "DataFrame", noise: str, method: str) -> tuple["Column[float]", str]:
    from overread.questions.relabel.evaluation import average_masks, choose_masks

    rows = choose_masks(masks, noise, method)
    dice, measure = average_masks(rows), "gain of label Dice"
    values = dice["after_dice"] - dice["before_dice"]
    if values.empty:
        shares = rows.groupby("case_id")["changed_share"].mean()
        values, measure = shares[np.isfinite(shares)], "share of voxels that would change"
    return values.sort_index().sort_values(kind="stable"), measure


def _draw(
    evaluation: RelabelEvaluation,
    masks: "DataFrame",
    case_id: str,
    *,
    study: Study,
    labels: Mapping[str, LabelSet],
) -> tuple[SliceView, tuple[RelabelledPicture, ...]]:
    main = evaluation.methods[0]
    names_of = {n.name: (CLEAN_LABELS, name_noisy(n.name), name_relabelled(n.name, main)) for n in evaluation.noises}
    wanted = {name for names in names_of.values() for name in names if name in labels}
    planes = {name: labels[name].read(case_id) for name in wanted if labels[name].select_labelled([case_id])}
    image = study.read_image(case_id)[0]
    view = view_case(image, planes, spacing=study.read_spacing(case_id), affine=study.read_affine(case_id))
    pictures = []
    for noise, names in names_of.items():
        shown = {role: view.masks[name] for role, name in zip(MASK_COLOURS, names, strict=True) if name in view.masks}
        if "noisy" in shown:
            figure = draw_relabelled_outlines(replace(view, masks=shown), title=f"Case {case_id}, {name_noise(noise)}")
            pictures.append(RelabelledPicture(noise, _caption(evaluation, masks, noise, case_id), figure))
    return view, tuple(pictures)


def _caption(evaluation: RelabelEvaluation, masks: "DataFrame", noise: str, case_id: str) -> str:
    from overread.questions.relabel.evaluation import select_masks

    rows = select_masks(masks, noise, evaluation.methods[0], "source")
    row = rows[rows["case_id"] == case_id]
    if row.empty:
        return "not in the new source"
    if row["is_kept"].iloc[0]:
        return "left alone, for too much would have changed"
    if row["after_dice"].isna().iloc[0]:
        return f"{100 * row['changed_share'].iloc[0]:.0f} % of the labelled voxels changed"
    return f"label Dice {format_dice(row['before_dice'].iloc[0])}, relabelled {format_dice(row['after_dice'].iloc[0])}"
