"""One label set from several: what most raters say, or what STAPLE takes to be the truth behind their votes."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from overread.errors import InputError
from overread.labels.source_cases import SourceCase, read_source_case
from overread.labels.staple import StapleEstimate, StapleSettings, estimate_staple
from overread.labels.vote_patterns import VotePatterns, count_vote_patterns
from overread.settings import Settings
from overread.study.digest import compute_source_digest
from overread.study.rasters import have_same_affine
from overread.study.schema import Provenance
from overread.study.study import Study
from overread.types import Affine, Mask


def vote_by_majority(patterns: VotePatterns) -> Mask:
    """Label the voxels that more than half of the raters label, (*S); a tie is background.

    Two raters thus agree on what both label.
    """
    painted: Mask = patterns.paint(2 * patterns.votes.sum(axis=1) > patterns.rater_count)
    return painted


def count_ties(patterns: VotePatterns) -> int:
    """Voxels that exactly half of the raters label."""
    return int(patterns.counts[2 * patterns.votes.sum(axis=1) == patterns.rater_count].sum())


OPERATION = "consensus"
_DIGITS = 6

ConsensusMethod: TypeAlias = Literal["majority", "staple"]


class ConsensusSettings(Settings):
    """How votes become one label."""

    method: ConsensusMethod = Field(description="majority, or staple (Warfield, Zou and Wells 2004)")
    staple: StapleSettings = Field(StapleSettings(), description="when the estimation of staple ends")


@dataclass(frozen=True)
class Consensus:
    """A label set made from others; its masks are made when they are asked for, one case at a time.

    Attributes:
        study: the study.
        settings: how votes become one label.
        provenance: the sources, and what came of each case.
    """

    study: Study
    settings: ConsensusSettings
    provenance: Provenance

    def iterate_masks(self) -> Iterator[tuple[str, Mask, Affine | None]]:
        """Case id, consensus (*S) and affine (None in 2D) of each case that a source has labelled."""
        for case_id, result in self.provenance.cases.items():
            mask, affine, _ = _fuse_case(self.study, case_id, result["raters"], self.settings)
            yield case_id, mask, affine


def describe_consensus(study: Study, sources: Sequence[str], settings: ConsensusSettings) -> Provenance:
    """Say what a consensus is made of, without its cases; the order of the sources does not matter.

    Raises:
        InputError: fewer than two sources, an unknown or repeated one, or no case that two of them have labelled.
    """
    if len(sources) < 2:
        raise InputError(
            "a consensus must have two or more sources",
            found=", ".join(sources) or "none",
            hint="for example --sources a,b,c",
        )
    chosen = set(study.select_sources(sources))
    ordered = [name for name in study.settings.sources if name in chosen]
    if all(len(raters) < 2 for raters in _list_raters(study, ordered).values()):
        where = f"sources {', '.join(ordered)}"
        raise InputError("at least one case must be labelled by two of the sources", found="none", where=where)
    staple = settings.staple.model_dump() if settings.method == "staple" else {}
    return Provenance(
        operation=OPERATION,
        parents={name: compute_source_digest(study, name) for name in ordered},
        parameters={"method": settings.method, "sources": ordered, **staple},
    )


def make_consensus(study: Study, sources: Sequence[str], settings: ConsensusSettings) -> Consensus:
    """Measure the consensus of several sources, case by case.

    A source that has not labelled a case has no vote on it, and a case that one source alone has labelled keeps that
    mask; `is_single` says so. STAPLE estimates each case on its own. Where all masks of a case are empty the consensus
    is empty and no sensitivity is known, which the provenance gives as null.

    Raises:
        InputError: see `describe_consensus`; masks of a case differ in shape or place; or a mask is damaged.
    """
    origin = describe_consensus(study, sources, settings)
    raters_of = _list_raters(study, origin.parameters["sources"])
    cases = {case_id: _fuse_case(study, case_id, raters, settings)[2] for case_id, raters in raters_of.items()}
    return Consensus(study, settings, origin.model_copy(update={"cases": cases}))


def _list_raters(study: Study, sources: Sequence[str]) -> dict[str, list[str]]:
    """Who has labelled each case, in the study's order; a case that nobody has labelled is left out."""
    raters_of = {
        case_id: [name for name in sources if study.labels(name).path(case_id).is_file()] for case_id in study.case_ids
    }
    return {case_id: raters for case_id, raters in raters_of.items() if raters}


def _fuse_case(
    study: Study, case_id: str, raters: Sequence[str], settings: ConsensusSettings
) -> tuple[Mask, Affine | None, dict[str, Any]]:
    """Consensus of one case, its affine, and what the provenance says of it."""
    first = read_source_case(study, raters[0], case_id)
    result: dict[str, Any] = {"raters": list(raters), "is_single": len(raters) == 1}
    if len(raters) == 1:
        return first.mask, first.affine, result
    patterns = count_vote_patterns(_iterate_masks(study, case_id, raters, first))
    if settings.method == "majority":
        return vote_by_majority(patterns), first.affine, {**result, "tied_count": count_ties(patterns)}
    estimate = estimate_staple(patterns, settings.staple)
    return estimate.mask, first.affine, {**result, **_describe_estimate(estimate, raters)}


def _iterate_masks(study: Study, case_id: str, raters: Sequence[str], first: SourceCase) -> Iterator[Mask]:
    yield first.mask
    for rater in raters[1:]:
        case = read_source_case(study, rater, case_id)
        _check_geometry(first, case, where=f"case {case_id!r}, sources {raters[0]!r} and {rater!r}")
        yield case.mask


def _check_geometry(first: SourceCase, other: SourceCase, *, where: str) -> None:
    if first.mask.shape != other.mask.shape:
        raise InputError(
            "masks of a case must have one shape", found=f"{first.mask.shape} and {other.mask.shape}", where=where
        )
    if first.affine is not None and other.affine is not None and not have_same_affine(first.affine, other.affine):
        raise InputError(
            "masks of a case must have one affine",
            where=where,
            hint="`overread study check` says which of them differs from the image",
        )


def _describe_estimate(estimate: StapleEstimate, raters: Sequence[str]) -> Mapping[str, Any]:
    return {
        "iterations": estimate.iterations,
        "is_converged": estimate.is_converged,
        "prior": round(estimate.prior, _DIGITS),
        "sensitivity": _round_rates(raters, estimate.sensitivity),
        "specificity": _round_rates(raters, estimate.specificity),
    }


def _round_rates(raters: Sequence[str], rates: NDArray[np.float64]) -> dict[str, float | None]:
    pairs = zip(raters, rates.tolist(), strict=True)
    return {rater: None if math.isnan(rate) else round(rate, _DIGITS) for rater, rate in pairs}
