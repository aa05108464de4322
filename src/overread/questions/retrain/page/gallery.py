"""Held-out cases of every challenger as pictures, drawn where the images are and shown in a later step."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from overread.questions.retrain.page.cases import (
    JudgedCase,
    collect_cases,
)
from overread.questions.retrain.page.figures import draw_gate_outlines
from overread.questions.retrain.page.wording import write_version
from overread.questions.retrain.records import NetworkJudgement, RetrainingJudgement
from overread.records import Result
from overread.report.figures.canvas import Figure
from overread.report.formatting import format_dice, format_number
from overread.report.slice_view import SliceView, view_case
from overread.settings import Settings
from overread.study.label_set import LabelSet
from overread.study.study import Study

if TYPE_CHECKING:
    from pandas import DataFrame

CASES_PER_NETWORK = 3


class CasePicture(Settings):
    """One held-out case with the outlines of reference, best champion so far and challenger.

    Attributes:
        labels: what the network learns.
        case_id: the case.
        caption: Dice of both networks, and whether the case counts.
        place: which part of the image is shown.
        svg: the picture as SVG text.
        alt: what it shows, in words.
        width_px: its width in CSS pixels.
        height_px: its height in CSS pixels.
    """

    labels: str
    case_id: str
    caption: str
    place: str
    svg: str
    alt: str
    width_px: int
    height_px: int

    @property
    def figure(self) -> Figure:
        """The picture as an image of a page."""
        return Figure(self.svg, self.alt, self.width_px, self.height_px)


class RetrainingGallery(Result):
    """The pictures of all challengers of a pipeline run."""

    pictures: tuple[CasePicture, ...]

    def select(self, labels: str) -> tuple[CasePicture, ...]:
        """The pictures of one network, in their order."""
        return tuple(picture for picture in self.pictures if picture.labels == labels)


def collect_gallery(
    study: Study, judgement: RetrainingJudgement, predictions: Path, comparisons: "DataFrame"
) -> RetrainingGallery:
    """Draw up to three held-out cases per challenger: the largest losses against the best champion so far.

    Without a champion these are the cases of lowest Dice.

    Args:
        study: where images and reference masks are read.
        judgement: the challengers.
        predictions: folder with the masks of challengers and champions, one label set each.
        comparisons: of these masks with those of the sources, COMPARISON_COLUMNS.

    Raises:
        InputError: the table is about other cases than the judgement, or a mask is missing.
    """
    return RetrainingGallery(
        pictures=tuple(
            _draw_case(study, judged, case, predictions)
            for judged in judgement.networks
            for case in collect_cases(judged, comparisons)[:CASES_PER_NETWORK]
        )
    )


def _draw_case(study: Study, judged: NetworkJudgement, case: JudgedCase, predictions: Path) -> CasePicture:
    labels, case_id = judged.network.labels, case.case_id
    label_sets = _list_label_sets(study, judged, predictions)
    view = view_case(
        study.read_image(case_id)[0],
        {role: masks.read(case_id) for role, masks in label_sets.items()},
        spacing=study.read_spacing(case_id),
        affine=study.read_affine(case_id),
    )
    figure = draw_gate_outlines(view, title=f"Case {case_id}, network of {labels}")
    return CasePicture(
        labels=labels,
        case_id=case_id,
        caption=_caption(case, judged.compared),
        place=_place(study.settings.channels, view),
        svg=figure.svg,
        alt=figure.alt,
        width_px=figure.width_px,
        height_px=figure.height_px,
    )


def _list_label_sets(study: Study, judged: NetworkJudgement, predictions: Path) -> Mapping[str, LabelSet]:
    network = judged.network
    name_of = {"challenger": network.challenger_masks}
    if judged.compared_masks is not None:
        name_of["champion"] = judged.compared_masks
    predicted = {role: LabelSet(name, predictions / name, study.suffix) for role, name in name_of.items()}
    return {"reference": study.labels(network.reference), **predicted}


def _caption(case: JudgedCase, compared: int | None) -> str:
    text = f"Dice of the challenger {format_dice(case.challenger_dice)}"
    if case.anchor_dice is not None:
        difference = format_number(case.difference, 3)
        text += f", of {write_version(compared)} {format_dice(case.anchor_dice)}, difference {difference}"
    return text if case.counts else f"{text}; does not count"


def _place(channels: Sequence[str], view: SliceView) -> str:
    if view.slice_index is None:
        return f"Channel {channels[0]}"
    return f"Channel {channels[0]}, slice {view.slice_index + 1} of {view.slice_count}"
