"""Step: say whether the outlines of a source are drawn inside or outside the edges of the images."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from overread.errors import InputError
from overread.labels.edge_profile import Offsets, Profile, build_offsets, measure_edge_profile
from overread.labels.outline_direction import (
    LEAST_AGREEMENT,
    OutlineDirection,
    find_steepest,
    judge_outlines,
    measure_contrast,
)
from overread.labels.source_cases import SourceCases
from overread.report.figures.edge_profile import count_decimals, draw_edge_profile
from overread.report.formatting import format_number
from overread.study.output_folder import check_is_outside_labels, create_folder
from overread.study.schema import LengthUnit
from overread.study.study import Study

_LEAST_REACH = 2
CASES_TABLE, PROFILE_TABLE, FIGURE = "cases.csv", "profile.csv", "outlines.svg"


@dataclass(frozen=True)
class CheckedOutlines:
    """What was found for a source.

    Attributes:
        source: its name.
        unit: length unit of all offsets.
        profiles: gradient along the moved outlines, by case; cases without foreground are left out.
        subject_of: subject of each case.
        direction: over all cases.
    """

    source: str
    unit: LengthUnit
    profiles: dict[str, Profile]
    subject_of: dict[str, str]
    direction: OutlineDirection


def run(folder: Path, *, source: str, reach: int = 5, seed: int = 0, output: Path | None = None) -> str:
    """Check the outlines of a source and say what came of it.

    Args:
        folder: folder of the study.
        source: whose outlines.
        reach: how many steps outlines are moved to each side, at least 2; a step is a pixel, in 3D the coarsest
            in-plane voxel of all cases.
        seed: of the bootstrap over subjects.
        output: new folder for the figure and the tables behind it; none are written if None.

    Raises:
        InputError: unknown source, no mask with foreground, or a reach that is too short.
    """
    study = Study.open(folder)
    study.select_sources([source])
    if output is not None:
        check_is_outside_labels(folder, output)
    checked = check_outlines(study, source, reach=reach, seed=seed)
    return describe(checked) + (f"\nwrote {write(checked, output)}" if output is not None else "")


def check_outlines(study: Study, source: str, *, reach: int, seed: int) -> CheckedOutlines:
    """Measure the outlines of each case of a source and judge them together, one image at a time.

    Raises:
        InputError: no mask has foreground, or `reach` is below 2.
    """
    if reach < _LEAST_REACH:
        raise InputError(f"reach must be at least {_LEAST_REACH} steps", found=reach)
    case_ids = study.labelled_case_ids(source)
    if not case_ids:
        raise _refuse_empty(source)
    offsets = build_offsets([study.read_spacing(case_id) for case_id in case_ids], reach)
    profiles = {
        case_id: measure_edge_profile(study.read_image(case_id), mask, offsets, spacing=spacing)
        for case_id, mask, spacing in SourceCases(study, source)
        if mask.any()
    }
    if not profiles:
        raise _refuse_empty(source)
    subjects = [study.subject_of[case_id] for case_id in profiles]
    direction = judge_outlines(list(profiles.values()), subjects, offsets, seed=seed)
    return CheckedOutlines(source, study.settings.length_unit, profiles, study.subject_of, direction)


def describe(checked: CheckedOutlines) -> str:
    """The profile as a table, and what follows from it, for people."""
    direction, unit = checked.direction, checked.unit
    best = [find_steepest(profile, direction.offsets) for profile in checked.profiles.values()]
    counts = np.bincount(best, minlength=len(direction.offsets))
    lines = [f"{'moved outwards by':>20}{'mean gradient':>16}{'cases steepest':>16}"]
    for offset, gradient, count in zip(direction.offsets, direction.profile, counts, strict=True):
        lines.append(f"{_write_length(offset, unit):>20}{format_number(gradient, 4):>16}{count:>16}")
    return "\n".join([*lines, f"{checked.source}: {_state_direction(direction, unit)}", _state_advice(direction, unit)])


def write(checked: CheckedOutlines, output: Path) -> Path:
    """Write the figure and the tables behind it into a new folder."""
    direction, unit = checked.direction, checked.unit
    with create_folder(output) as partial:
        (partial / FIGURE).write_text(draw_edge_profile(direction, unit).svg, encoding="utf-8")
        points = zip(direction.offsets, direction.profile, direction.lowest, direction.highest, strict=True)
        heading = [f"offset_{unit}", "mean_gradient", "low", "high"]
        _write_table(partial / PROFILE_TABLE, heading, [[_write_value(value) for value in row] for row in points])
        heading = ["case_id", "subject_id", f"offset_{unit}", "contrast"]
        rows = [
            [case_id, checked.subject_of[case_id], *_summarise_case(profile, direction.offsets)]
            for case_id, profile in checked.profiles.items()
        ]
        _write_table(partial / CASES_TABLE, heading, rows)
    return output


def _state_direction(direction: OutlineDirection, unit: LengthUnit) -> str:
    if not direction.has_edges:
        reach = _write_length(direction.offsets[-1], unit)
        return f"no clear edge of the images lies along these outlines or up to {reach} beside them"
    interval = "interval unknown with one subject"
    if not np.isnan(direction.low):
        low, high = (format_number(bound, count_decimals(unit)) for bound in (direction.low, direction.high))
        interval = f"interval {low} to {high}, {direction.agreement:.0%} of resamples agree"
    if direction.offset == 0:
        return f"drawn on the edges of the images ({interval})"
    side = "inside" if direction.offset > 0 else "outside"
    return f"drawn {side} the edges of the images by {_write_length(abs(direction.offset), unit)} ({interval})"


def _state_advice(direction: OutlineDirection, unit: LengthUnit) -> str:
    length = _write_length(abs(direction.offset), unit)
    if direction.has_edges and not direction.agreement >= LEAST_AGREEMENT:
        return "leave alone: no direction is sure"
    if abs(direction.offset) == direction.offsets[-1]:
        return "no edges: the images grow steeper up to the end, so that a larger reach may find an edge"
    return {
        "grow": f"grow: outlines moved outwards by {length} lie on the edges",
        "leave alone": "leave alone: moving these outlines would not bring them nearer to the edges",
        "shrink": "shrink: but see some clean cases first, for errors to both sides of a border can look like this",
        "no edges": "no edges: what the images show does not tell on which side these outlines are drawn",
    }[direction.verdict]


def _summarise_case(profile: Profile, offsets: Offsets) -> tuple[str, str]:
    best = find_steepest(profile, offsets)
    return _write_value(offsets[best]), _write_value(measure_contrast(profile, best))


def _write_length(value: float, unit: LengthUnit) -> str:
    return f"{format_number(float(value), count_decimals(unit))} {unit}"


def _write_value(value: float) -> str:
    return format(value, ".6g")


def _write_table(path: Path, heading: list[str], rows: list[list[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(heading)
        writer.writerows(rows)


def _refuse_empty(source: str) -> InputError:
    return InputError("a source must have a mask with foreground for its outlines to be checked", found=repr(source))
