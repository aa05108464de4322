"""The change that brings labels of a few clean cases nearest to their clean masks."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from overread.errors import InputError
from overread.evaluation.overlap import compute_dice
from overread.labels.relabel_rules.change import RuleCase
from overread.labels.relabel_rules.growth_grid import crop_case, list_candidates, pick_best, score_candidates
from overread.labels.relabel_rules.guards import RelabelGuards
from overread.labels.relabel_rules.rule import Evidence, SettledRule
from overread.types import Mask

ENOUGH_CLEAN_CASES = 5
"""With fewer the choice is often not the best one, and may do harm."""


@dataclass(frozen=True)
class CleanRule:
    """The change with the best mean Dice on the clean cases; leaving labels alone is one of the candidates."""

    def settle(self, evidence: Evidence, guards: RelabelGuards) -> SettledRule:
        """See `RelabelRule`.

        Raises:
            InputError: no clean case was named.
        """
        count = len(evidence.clean_case_ids)
        if not count:
            raise InputError(
                "this rule needs cases with clean labels",
                found="none",
                hint=f"name {ENOUGH_CLEAN_CASES} or more, or take the rule edge, which needs none",
            )
        candidates = list_candidates([evidence.read(case_id).spacing for case_id in evidence.clean_case_ids])
        grid = score_candidates(candidates, _iterate(evidence), guards)
        few = f"chosen by {count} clean cases; with {ENOUGH_CLEAN_CASES} or more the choice is safer"
        return SettledRule(
            rule="clean",
            change=pick_best(grid),
            grid=grid,
            clean_case_ids=tuple(evidence.clean_case_ids),
            remark=few if count < ENOUGH_CLEAN_CASES else "",
        )


def _iterate(evidence: Evidence) -> Iterator[tuple[RuleCase, int, Callable[[Mask], float]]]:
    for case_id in evidence.clean_case_ids:
        clean = evidence.read_clean(case_id)
        case = evidence.read(case_id)
        part, box = crop_case(case)
        yield part, case.mask.size, partial(_measure_dice, clean=clean, box=box)


def _measure_dice(part: Mask, *, clean: Mask, box: tuple[slice, ...]) -> float:
    whole = np.zeros_like(clean)
    whole[box] = part
    return compute_dice(clean, whole)
