"""Comparing label sets, case by case."""

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import TypeAlias

import pandas as pd

from overread.errors import InputError
from overread.evaluation.case_metrics import OutlinedMask, check_tolerance, compare_outlined, outline_masks
from overread.evaluation.results import COMPARISON_COLUMNS, METRICS
from overread.study.label_set import LabelSet
from overread.study.study import Study, compute_load
from overread.types import Spacing

Row: TypeAlias = tuple[str | float, ...]
"""Values of COMPARISON_COLUMNS."""

_DEFAULT_TOLERANCE_MM = 1.0


@dataclass(frozen=True)
class LabelSetPair:
    """Two label sets and the cases on which they are compared."""

    prediction: LabelSet
    reference: LabelSet
    case_ids: tuple[str, ...]


@dataclass(frozen=True)
class _CaseTask:
    case_id: str
    subject_id: str
    spacing: Spacing
    pairs: tuple[tuple[LabelSet, LabelSet], ...]
    tolerance: float


def compare(
    reference: LabelSet,
    prediction: LabelSet,
    *,
    study: Study,
    case_ids: Sequence[str] = (),
    tolerance: float | None = None,
    workers: int = 1,
) -> pd.DataFrame:
    """Compare two label sets of a study.

    Args:
        reference: the label set that stands for the truth.
        prediction: the other one.
        study: gives spacing and subject of each case.
        case_ids: cases to compare; all of the study if empty. Those without both masks have no row.
        tolerance: of the surface Dice, in the study's length unit; see `choose_tolerance`.
        workers: processes that share the cases.

    Returns:
        One row per case with COMPARISON_COLUMNS, cases in the order given.

    Raises:
        InputError: a mask is damaged, two masks of a case differ in shape, or a tolerance is missing.
    """
    pair = LabelSetPair(prediction, reference, tuple(case_ids) or study.case_ids)
    return compare_pairs([pair], study=study, tolerance=choose_tolerance(study, tolerance), workers=workers)


def compare_pairs(pairs: Sequence[LabelSetPair], *, study: Study, tolerance: float, workers: int = 1) -> pd.DataFrame:
    """Compare many pairs of label sets; each mask is read and outlined once per case, in however many pairs it is.

    Args:
        pairs: what to compare on which cases; a case without both masks has no row.
        study: gives spacing and subject of each case.
        tolerance: of the surface Dice, in the study's length unit.
        workers: processes that share the cases; they are spawned, so a script that asks for more than one must guard
            its entry with `if __name__ == "__main__"`.

    Returns:
        One row per pair and case with COMPARISON_COLUMNS, in the order of `pairs`, then of each pair's cases.

    Raises:
        InputError: a mask is damaged, or two masks of a case differ in shape.
    """
    check_tolerance(tolerance)
    tasks = _plan_cases(pairs, study, tolerance)
    if workers > 1 and len(tasks) > 1:
        with ProcessPoolExecutor(min(workers, len(tasks)), mp_context=get_context("spawn")) as pool:
            rows_by_case = list(pool.map(_compare_case, tasks))
    else:
        rows_by_case = [_compare_case(task) for task in tasks]
    by_key = {row[:3]: row for rows in rows_by_case for row in rows}
    keys = ((pair.prediction.name, pair.reference.name, case_id) for pair in pairs for case_id in pair.case_ids)
    return pd.DataFrame([by_key[key] for key in keys if key in by_key], columns=list(COMPARISON_COLUMNS))


def choose_tolerance(study: Study, tolerance: float | None) -> float:
    """Return the tolerance of the surface Dice: the one given, else 1 mm in 3D.

    Raises:
        InputError: none is given for a 2D study, or it is negative.
    """
    if tolerance is None:
        if study.settings.dimensions == 2:
            raise InputError(
                "a surface tolerance must be given for a 2D study",
                hint=f"choose the distance, in {study.settings.length_unit}, that does not matter to your readers",
            )
        return _DEFAULT_TOLERANCE_MM
    check_tolerance(tolerance)
    return tolerance


def _plan_cases(pairs: Sequence[LabelSetPair], study: Study, tolerance: float) -> list[_CaseTask]:
    wanted: dict[str, list[tuple[LabelSet, LabelSet]]] = {}
    for pair in pairs:
        if unknown := set(pair.case_ids) - study.subject_of.keys():
            raise InputError("a case must be one of the study", found=", ".join(sorted(unknown)))
        both = pair.reference.select_labelled(pair.prediction.select_labelled(pair.case_ids))
        for case_id in both:
            wanted.setdefault(case_id, []).append((pair.prediction, pair.reference))
    return [
        _CaseTask(case_id, study.subject_of[case_id], study.read_spacing(case_id), tuple(sets), tolerance)
        for case_id, sets in wanted.items()
    ]


def _compare_case(task: _CaseTask) -> list[Row]:
    label_sets = list(dict.fromkeys(label_set for pair in task.pairs for label_set in pair))
    masks = [label_set.read(task.case_id) for label_set in label_sets]
    where = f"case {task.case_id!r}, label sets {', '.join(label_set.name for label_set in label_sets)}"
    outlined = dict(zip(label_sets, outline_masks(masks, spacing=task.spacing, where=where), strict=True))
    return [_to_row(task, prediction, reference, outlined) for prediction, reference in task.pairs]


def _to_row(task: _CaseTask, prediction: LabelSet, reference: LabelSet, outlined: dict[LabelSet, OutlinedMask]) -> Row:
    a, b = outlined[prediction], outlined[reference]
    metrics = compare_outlined(b, a, tolerance=task.tolerance)
    return (
        prediction.name,
        reference.name,
        task.case_id,
        task.subject_id,
        *(getattr(metrics, name) for name in METRICS),
        compute_load(a.mask, task.spacing),
        compute_load(b.mask, task.spacing),
    )
