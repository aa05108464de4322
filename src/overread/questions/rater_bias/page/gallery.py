"""Cases on pictures, chosen by their Dice."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from overread.evaluation.results import name_network
from overread.report.figures.canvas import Figure
from overread.report.figures.outlines import draw_outlines
from overread.report.palette import Colours
from overread.report.slice_view import SliceView, view_case
from overread.study.label_set import LabelSet
from overread.study.study import Study
from overread.types import Mask

CHOICE_RULE = "least, in between (median) and best"


@dataclass(frozen=True)
class ChosenCase:
    """A case and why it was chosen.

    Attributes:
        case_id: the case.
        reason: its place in the order of agreement.
        agreement: mean Dice of the sources with each other.
    """

    case_id: str
    reason: str
    agreement: float


def choose_cases(agreement: Mapping[str, float]) -> tuple[ChosenCase, ...]:
    """Choose the cases of lowest, median and highest agreement, each once.

    With an even number of cases the median is the lower of the two in the middle; ties go by case id.

    Args:
        agreement: mean Dice of the sources per case.
    """
    ordered = sorted(agreement, key=lambda case_id: (agreement[case_id], case_id))
    if not ordered:
        return ()
    places = {"least agreement": 0, "median agreement": (len(ordered) - 1) // 2, "best agreement": len(ordered) - 1}
    chosen: dict[str, str] = {}
    for reason in ("least agreement", "best agreement", "median agreement"):
        chosen.setdefault(ordered[places[reason]], reason)
    return tuple(ChosenCase(case_id, chosen[case_id], agreement[case_id]) for case_id in ordered if case_id in chosen)


@dataclass(frozen=True)
class GalleryCase:
    """One case of the gallery.

    Attributes:
        chosen: the case and why it is shown.
        view: what part of it is shown.
        image: the image alone.
        sources: with the outlines of the sources.
        networks: with the outlines of their networks.
        absent: label sets that have no mask of the case.
    """

    chosen: ChosenCase
    view: SliceView
    image: Figure
    sources: Figure
    networks: Figure
    absent: tuple[str, ...]


def draw_gallery(
    chosen: Sequence[ChosenCase], *, study: Study, predictions: Mapping[str, LabelSet], colours: Colours
) -> tuple[GalleryCase, ...]:
    """Draw the outlines of every chosen case on the first channel of its image.

    Args:
        chosen: the cases.
        study: where images and sources are read.
        predictions: held-out predictions of the network of each source.
        colours: colour of each source.
    """
    return tuple(_draw_case(case, study, predictions, colours) for case in chosen)


def _draw_case(chosen: ChosenCase, study: Study, predictions: Mapping[str, LabelSet], colours: Colours) -> GalleryCase:
    case_id = chosen.case_id
    label_sets = {source: study.labels(source) for source in colours}
    label_sets |= {name_network(source): predictions[source] for source in colours}
    masks = _read_masks(label_sets, case_id)
    image = study.read_image(case_id)[0]
    view = view_case(image, masks, spacing=study.read_spacing(case_id), affine=study.read_affine(case_id))
    network_colours = {name_network(source): colour for source, colour in colours.items()}
    return GalleryCase(
        chosen=chosen,
        view=view,
        image=draw_outlines(view, {}, line="solid", title=f"Case {case_id}"),
        sources=draw_outlines(view, colours, line="solid", title=f"Case {case_id}"),
        networks=draw_outlines(view, network_colours, line="dashed", title=f"Case {case_id}"),
        absent=tuple(name for name in label_sets if name not in masks),
    )


def _read_masks(label_sets: Mapping[str, LabelSet], case_id: str) -> dict[str, Mask]:
    return {name: labels.read(case_id) for name, labels in label_sets.items() if labels.select_labelled([case_id])}
