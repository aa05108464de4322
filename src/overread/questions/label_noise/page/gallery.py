"""What the label errors look like: two cases with the clean outline and the strongest errors of each kind."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from overread.evaluation.overlap import compute_dice
from overread.labels.variant_record import CONTROL
from overread.questions.label_noise.page.figures import CLEAN, Window, draw_clean, draw_label_errors
from overread.questions.label_noise.page.series import Series
from overread.questions.label_noise.results import LabelNoiseEvaluation
from overread.questions.label_noise.scores import CaseScores, compute_losses
from overread.report.figures.canvas import Figure
from overread.report.slice_view import SliceView, view_case
from overread.study.label_set import LabelSet
from overread.study.study import Study
from overread.types import Mask

if TYPE_CHECKING:
    from pandas import Series as Column

_LARGEST_VIEW, _DETAIL = 144, 96
"""Sides in pixels."""


@dataclass(frozen=True)
class ErrorPicture:
    """The strongest errors of one kind in one case.

    Attributes:
        variant: name of the labels.
        dice: of the whole mask with the clean one.
        figure: the picture.
    """

    variant: str
    dice: float
    figure: Figure


@dataclass(frozen=True)
class ErrorCase:
    """One case of the gallery.

    Attributes:
        case_id: the case.
        reason: why it is shown.
        loss: its mean loss of test Dice.
        view: what part of it is shown.
        detail: what part of the view the pictures show; None for all of it.
        clean: the clean outline alone, with a frame around the detail.
        pictures: the strongest errors of each series that has a mask of the case.
    """

    case_id: str
    reason: str
    loss: float
    view: SliceView
    detail: Window | None
    clean: Figure
    pictures: tuple[ErrorPicture, ...]


def draw_error_cases(
    scores: CaseScores,
    evaluation: LabelNoiseEvaluation,
    series: Sequence[Series],
    *,
    study: Study,
    labels: Mapping[str, LabelSet],
) -> tuple[ErrorCase, ...]:
    """Draw the case with the median loss and the one with the largest, each from its first channel.

    Cases in which the clean source outlines nothing are passed over. Without stored labels there is nothing to draw.

    Args:
        scores: Dice of the held-out cases.
        evaluation: the numbers.
        series: kinds of errors; of each the strongest is shown.
        study: where images and clean masks are read.
        labels: masks by name of the variant.
    """
    if not labels:
        return ()
    losses, clean = average_losses(scores, evaluation), study.labels(evaluation.source)
    chosen = choose_error_cases(list(losses.index), clean)
    return tuple(
        _draw(case_id, reason, float(losses[case_id]), series, study, clean, labels)
        for case_id, reason in chosen.items()
    )


def average_losses(scores: CaseScores, evaluation: LabelNoiseEvaluation) -> "Column[float]":
    """Mean loss of each case over the networks and variants that have one, smallest first."""
    import pandas as pd

    columns = [
        compute_losses(scores, network, variant.name)
        for network in evaluation.networks
        for variant in evaluation.variants
        if variant.name != CONTROL
    ]
    if not columns:
        return pd.Series(dtype="float64")
    return pd.concat(columns, axis=1).mean(axis=1).sort_index().sort_values(kind="stable")


def choose_error_cases(ordered: Sequence[str], clean: LabelSet) -> dict[str, str]:
    """Choose the middle and the last case, each with its reason, or the nearest ones in which something is outlined.

    With an even number of cases the middle is the first of the two.

    Args:
        ordered: cases by their loss, smallest first.
        clean: the clean source.
    """
    middle = (len(ordered) - 1) // 2
    near_middle = sorted(ordered, key=lambda case_id: abs(ordered.index(case_id) - middle))
    chosen: dict[str, str] = {}
    for reason, candidates in (("largest loss", ordered[::-1]), ("median loss", near_middle)):
        found = next((case_id for case_id in candidates if clean.read(case_id).any()), None)
        if found is not None:
            chosen.setdefault(found, reason)
    return dict(reversed(chosen.items()))


def find_detail(clean: Mask) -> Window | None:
    """Where to look closer: around the right-hand edge of the outline, half-way down; None where the view is small.

    Errors of a pixel or two cannot be seen in a view of many hundred pixels.

    Args:
        clean: (rows, columns), with something outlined.
    """
    if max(clean.shape) <= _LARGEST_VIEW:
        return None
    outlined = np.flatnonzero(clean.any(axis=1))
    row = int(outlined[len(outlined) // 2])
    column = int(np.flatnonzero(clean[row])[-1])
    return _place(row, clean.shape[0]), _place(column, clean.shape[1])


def _place(centre: int, length: int) -> slice:
    start = min(max(centre - _DETAIL // 2, 0), max(length - _DETAIL, 0))
    return slice(start, min(start + _DETAIL, length))


def _draw(
    case_id: str,
    reason: str,
    loss: float,
    series: Sequence[Series],
    study: Study,
    clean: LabelSet,
    labels: Mapping[str, LabelSet],
) -> ErrorCase:
    mask = clean.read(case_id)
    view = _cut(study, case_id, study.read_image(case_id)[0], mask)
    detail = find_detail(view.masks[CLEAN])
    part = detail or (slice(None), slice(None))
    close = replace(view, image=view.image[part], masks={CLEAN: view.masks[CLEAN][part]})
    pictures = []
    for one in series:
        name = one.strongest.name
        if name in labels and labels[name].select_labelled([case_id]):
            wrong = labels[name].read(case_id)
            # The perturbed mask is cut as an image is: around the clean mask, however far its errors are scattered.
            shown = _cut(study, case_id, wrong.astype(np.float32), mask).image[part] > 0
            figure = draw_label_errors(close, shown, one.colour, title=f"Case {case_id}, {name}")
            pictures.append(ErrorPicture(name, compute_dice(mask, wrong), figure))
    overview = draw_clean(view, detail, title=f"Case {case_id}, clean")
    return ErrorCase(case_id, reason, loss, view, detail, overview, tuple(pictures))


def _cut(study: Study, case_id: str, plane: NDArray[np.float32], clean: Mask) -> SliceView:
    spacing, affine = study.read_spacing(case_id), study.read_affine(case_id)
    return view_case(plane, {CLEAN: clean}, spacing=spacing, affine=affine)
