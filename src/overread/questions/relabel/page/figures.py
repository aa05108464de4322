"""Uncertainty over epochs, labels before and after their repair, and outlines on pictures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Literal, TypeAlias

from overread.questions.relabel.results import PlainTraining, WatchedEpoch, WatchedTraining
from overread.report.figures.canvas import Figure, add_value_grid, finish_drawing, start_drawing
from overread.report.figures.outlines import draw_outline, draw_over_slice, trace_outline
from overread.report.formatting import format_count, format_dice, format_number
from overread.report.palette import INK, MUTED
from overread.report.slice_view import SliceView
from overread.training.epoch_choice import compute_relative_changes
from overread.types import Mask

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Point: TypeAlias = tuple[int, float]
"""Epoch and value."""
Reference: TypeAlias = Literal["clean", "noisy"]

WATCHED_COLOUR, CONTINUED_COLOUR, PLAIN_COLOUR, CHANGE_COLOUR = "#d55e00", "#009e73", MUTED, "#0072b2"

_WIDTH_PX, _HEIGHT_PX, _SINGLE_HEIGHT_PX = 342, 400, 260
_LINES: dict[Reference, object] = {"clean": "solid", "noisy": (0, (2, 1.6))}


def draw_uncertainty_curve(
    watched: Sequence[WatchedTraining], plain: Sequence[PlainTraining], *, title: str
) -> Figure | None:
    """Draw a thin line per training, their mean as a thick one, and an upright line at each chosen epoch.

    The upper panel holds validation Dice with clean (full) and noisy labels (dotted) without correction, before and
    after relabelling; the lower one the relative change of the mean cumulative uncertainty. A panel without any value
    is left out.

    Args:
        watched: the trainings of one noise and method.
        plain: trainings without correction on the same labels.
        title: what is shown, for the text alternative.

    Returns:
        None where nothing was recorded.
    """
    changes = [list_changes(training.watched) for training in watched]
    has_dice = any(
        locate_dice(one.watched, ref) or locate_dice(one.continued, ref) for one in watched for ref in _LINES
    )
    if not has_dice and not any(changes):
        return None
    panels = has_dice + any(changes)
    with start_drawing(_WIDTH_PX, _HEIGHT_PX if panels == 2 else _SINGLE_HEIGHT_PX) as drawing:
        ratios = [3, 2] if panels == 2 else [1]
        stacked = drawing.subplots(panels, 1, sharex=True, squeeze=False, gridspec_kw={"height_ratios": ratios})
        axes: list[Axes] = list(stacked[:, 0])
        if has_dice:
            _draw_dice(axes[0], watched, plain)
        if any(changes):
            _draw_changes(axes[-1], changes)
        for panel in axes:
            _mark_epochs(panel, watched)
        axes[-1].set_xlabel("epoch")
        axes[-1].locator_params(axis="x", integer=True)
        return finish_drawing(drawing, f"{title}. {_describe(watched)}")


def list_changes(epochs: Sequence[WatchedEpoch]) -> list[Point]:
    """Relative change of ΣU at each epoch, for those whose uncertainty and that of the epoch before are known."""
    known = [(epoch.epoch, epoch.cumulative_uncertainty) for epoch in epochs]
    return [
        (epoch, compute_relative_changes([before, now])[0])
        for (_, before), (epoch, now) in pairwise(known)
        if before is not None and now is not None
    ]


def locate_dice(epochs: Sequence[WatchedEpoch], reference: Reference, *, start: int | None = None) -> list[Point]:
    """Validation Dice of the epochs that have one.

    Args:
        epochs: in order.
        reference: masks that predictions are compared with.
        start: the epochs follow this one; they keep their own numbers where there is none.
    """
    values = [epoch.clean_dice if reference == "clean" else epoch.noisy_dice for epoch in epochs]
    numbers = [epoch.epoch for epoch in epochs] if start is None else range(start + 1, start + 1 + len(epochs))
    return [(number, value) for number, value in zip(numbers, values, strict=True) if value is not None]


def average_trainings(lines: Sequence[Sequence[Point]]) -> list[Point]:
    """Mean over the trainings at each epoch that all of them have."""
    values = [dict(line) for line in lines]
    if not values:
        return []
    shared = sorted(set.intersection(*(set(line) for line in values)))
    return [(epoch, sum(line[epoch] for line in values) / len(values)) for epoch in shared]


def _draw_dice(axes: "Axes", watched: Sequence[WatchedTraining], plain: Sequence[PlainTraining]) -> None:
    for reference in _LINES:
        _draw_lines(axes, [locate_dice(one.epochs, reference) for one in plain], PLAIN_COLOUR, reference)
        _draw_lines(axes, [locate_dice(one.watched, reference) for one in watched], WATCHED_COLOUR, reference)
        after = [locate_dice(one.continued, reference, start=one.chosen_epoch) for one in watched]
        _draw_lines(axes, after, CONTINUED_COLOUR, reference)
    axes.set_ylabel("validation Dice")
    axes.yaxis.set_major_formatter("{x:.2f}")
    axes.locator_params(axis="y", steps=[1, 2, 5, 10])
    add_value_grid(axes)


def _draw_changes(axes: "Axes", changes: Sequence[Sequence[Point]]) -> None:
    axes.axhline(0, color=MUTED, linewidth=1)
    _draw_lines(axes, changes, CHANGE_COLOUR, "clean")
    axes.set_ylabel("relative change of ΣU")
    add_value_grid(axes)


def _draw_lines(axes: "Axes", lines: Sequence[Sequence[Point]], colour: str, reference: Reference) -> None:
    known = [line for line in lines if line]
    style = _LINES[reference]
    for line in known:
        _draw_line(axes, line, colour=colour, style=style, width=0.8)
    _draw_line(axes, average_trainings(known), colour=colour, style=style, width=2.2)


def _draw_line(axes: "Axes", line: Sequence[Point], *, colour: str, style: object, width: float) -> None:
    marker = "o" if len(line) == 1 else None
    epochs, values = [epoch for epoch, _ in line], [value for _, value in line]
    alpha = 1.0 if width > 1 else 0.55
    axes.plot(epochs, values, color=colour, linestyle=style, linewidth=width, alpha=alpha, marker=marker, markersize=4)


def _mark_epochs(axes: "Axes", watched: Sequence[WatchedTraining]) -> None:
    for epoch in sorted({training.chosen_epoch for training in watched}):
        count = sum(training.chosen_epoch == epoch for training in watched)
        axes.axvline(epoch, color=INK, linewidth=0.9 + 0.3 * min(count, 4), linestyle=(0, (1, 1.5)), zorder=1)


def _describe(watched: Sequence[WatchedTraining]) -> str:
    return "; ".join(map(_describe_training, watched)) + "."


def _describe_training(training: WatchedTraining) -> str:
    place = f"fold {training.fold}, repeat {training.repeat}"
    parts = [f"{place}: relabelled after epoch {training.chosen_epoch} of {len(training.watched)}"]
    changes = dict(list_changes(training.watched))
    if training.chosen_epoch in changes:
        parts.append(f"ΣU changed there by {format_number(100 * changes[training.chosen_epoch], 1)} %")
    for reference in _LINES:
        before = dict(locate_dice(training.watched, reference)).get(training.chosen_epoch)
        after = locate_dice(training.continued, reference)
        if before is not None and after:
            parts.append(
                f"Dice with {reference} labels {format_dice(before)} there, {format_dice(after[-1][1])} at the end"
            )
    return ", ".join(parts)


BETTER_COLOUR, WORSE_COLOUR, SAME_COLOUR = "#009e73", "#d55e00", "#8c8c8c"

_LABEL_REPAIRS_WIDTH_PX, _LABEL_REPAIRS_HEIGHT_PX = 342, 300
_ROUNDING = 1e-12
_MOST_MARKED = 60


@dataclass(frozen=True)
class RepairedCase:
    """One case.

    Attributes:
        case_id: the case.
        before: Dice of the noisy mask with the clean one.
        after: the same of the relabelled mask.
    """

    case_id: str
    before: float
    after: float

    @property
    def gain(self) -> float:
        """Difference, above 0 where the mask became better."""
        return self.after - self.before


def draw_label_repairs(cases: Sequence[RepairedCase], *, title: str) -> Figure:
    """Draw a line per case from its hollow mark (before) to its filled one (after), worst labels first.

    Args:
        cases: in any order.
        title: what is shown, for the text alternative.
    """
    ordered = sorted(cases, key=lambda case: (case.before, case.case_id))
    with start_drawing(_LABEL_REPAIRS_WIDTH_PX, _LABEL_REPAIRS_HEIGHT_PX) as drawing:
        axes = drawing.add_subplot()
        size = 22.0 if len(ordered) <= _MOST_MARKED else 6.0
        for place, case in enumerate(ordered):
            _draw_case(axes, place, case, size)
        axes.set(xticks=[], xlim=(-0.8, len(ordered) - 0.2), ylabel="label Dice", xlabel="cases, worst labels first →")
        axes.yaxis.set_major_formatter("{x:.2f}")
        axes.locator_params(axis="y", steps=[1, 2, 5, 10])
        add_value_grid(axes)
        return finish_drawing(drawing, f"{title}. {_describe_label_repair(ordered)}")


def choose_colour(case: RepairedCase) -> str:
    """Colour (#rrggbb) of a case that became better, worse or neither."""
    if abs(case.gain) <= _ROUNDING:
        return SAME_COLOUR
    return BETTER_COLOUR if case.gain > 0 else WORSE_COLOUR


def _draw_case(axes: "Axes", place: int, case: RepairedCase, size: float) -> None:
    colour = choose_colour(case)
    axes.vlines(place, case.before, case.after, color=colour, linewidth=1.8, zorder=2)
    axes.scatter(place, case.before, s=size, facecolor="white", edgecolor=colour, linewidth=1.3, zorder=3)
    axes.scatter(place, case.after, s=size, facecolor=colour, edgecolor=colour, linewidth=1.3, zorder=4)


def _describe_label_repair(cases: Sequence[RepairedCase]) -> str:
    better, worse = (sum(choose_colour(case) == colour for case in cases) for colour in (BETTER_COLOUR, WORSE_COLOUR))
    lowest, highest = min(cases, key=lambda case: case.gain), max(cases, key=lambda case: case.gain)
    return (
        f"Label Dice of {format_count(len(cases), 'case')} before and after relabelling: {better} better, "
        f"{worse} worse, {len(cases) - better - worse} unchanged. Differences run from {format_dice(lowest.gain)} "
        f"(case {lowest.case_id}) to {format_dice(highest.gain)} (case {highest.case_id})."
    )


MASK_COLOURS: Mapping[str, str] = {"clean": "#ffffff", "noisy": "#e69f00", "relabelled": "#56b4e9"}
"""Colour (#rrggbb) of the two outlines and of the tinted area."""

_RELABELLED_OUTLINES_WIDTH_PX = 310
_OPACITY = 0.55
_TOLERANCE_PX = 0.3


def draw_relabelled_outlines(view: SliceView, *, title: str) -> Figure:
    """Draw the relabelled mask as a tinted area and the clean and the noisy one as outlines, those that there are.

    Args:
        view: the slice; its masks are named as in MASK_COLOURS.
        title: what is shown, for the text alternative.
    """

    def draw(axes: "Axes") -> None:
        if "relabelled" in view.masks:
            _tint(axes, view.masks["relabelled"], MASK_COLOURS["relabelled"])
        for name in ("clean", "noisy"):
            if name in view.masks:
                draw_outline(axes, view.masks[name], MASK_COLOURS[name], "solid")

    return draw_over_slice(
        view, draw, width_px=_RELABELLED_OUTLINES_WIDTH_PX, alt=f"{title}. {_describe_relabelled_outline(view)}"
    )


def _tint(axes: "Axes", mask: Mask, colour: str) -> None:
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    polygons = trace_outline(mask, tolerance=_TOLERANCE_PX * max(mask.shape) / _RELABELLED_OUTLINES_WIDTH_PX)
    if polygons:
        path = Path.make_compound_path(*(Path(polygon[:, ::-1], closed=True) for polygon in polygons))
        axes.add_patch(PathPatch(path, facecolor=colour, edgecolor="none", alpha=_OPACITY))


def _describe_relabelled_outline(view: SliceView) -> str:
    parts = [f"the {name} mask {int(view.masks[name].sum()):,}" for name in MASK_COLOURS if name in view.masks]
    text = f"Pixels covered in this view: {', '.join(parts)}."
    if "noisy" in view.masks and "relabelled" in view.masks:
        text += f" Relabelling changed {int((view.masks['noisy'] ^ view.masks['relabelled']).sum()):,} pixels of it."
    return text
