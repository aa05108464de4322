"""What a user chooses about relabelling a source, and the change that follows from it."""

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import Field, model_validator

from overread.errors import InputError
from overread.inference.uncertainty_maps import UncertaintyMaps
from overread.labels.relabel_rules.change import Flip, RuleCase
from overread.labels.relabel_rules.guards import RelabelGuards
from overread.labels.relabel_rules.names import RULE_DESCRIPTION, RuleChoice, settle_name, translate_earlier
from overread.labels.relabel_rules.rule import Evidence, SettledRule
from overread.labels.relabel_rules.select import select_rule
from overread.labels.relabelling import RelabelSettings
from overread.labels.source_cases import SourceCase, read_source_case
from overread.labels.uncertainty_threshold import MOST_UNCERTAINTY, choose_threshold
from overread.runs.map_collection import MapCollection
from overread.settings import Settings
from overread.study.study import Study


class RelabelChoice(Settings):
    """What a user chooses about relabelling."""

    rule: RuleChoice = Field("auto", description=RULE_DESCRIPTION)
    threshold: float | None = Field(
        None,
        gt=0,
        lt=MOST_UNCERTAINTY,
        description="paper, contradicted: a voxel changes sides above this uncertainty; chosen from the maps if None",
    )
    guards: RelabelGuards = Field(RelabelGuards(), description="which new masks are refused")
    clean_source: str = Field("", description="labels that count as clean; empty where none are to be looked at")
    clean_cases: tuple[str, ...] = Field((), description="cases whose clean labels may be looked at")

    @model_validator(mode="before")
    @classmethod
    def _reads_earlier_settings(cls, values: object) -> object:
        return translate_earlier(values)

    @model_validator(mode="after")
    def _clean_cases_have_a_source(self) -> "RelabelChoice":
        if bool(self.clean_source) != bool(self.clean_cases):
            raise ValueError("clean_source and clean_cases must be given together")
        return self


@dataclass(frozen=True)
class SettledChange:
    """What is done to every mask of a source.

    Attributes:
        settled: the change, and how it was chosen.
        settings: the change, and the limits on what it may do.
        threshold: a voxel counts as uncertain above this in the review list.
    """

    settled: SettledRule
    settings: RelabelSettings
    threshold: float


def settle_change(
    study: Study, source: str, maps: MapCollection, choice: RelabelChoice, case_ids: Sequence[str]
) -> SettledChange:
    """Let the chosen rule look at the cases, and at clean masks where these are named.

    Args:
        study: the study.
        source: the labels to repair.
        maps: mean prediction and uncertainty of the cases.
        choice: the rule, the limits, and which clean labels may be looked at.
        case_ids: cases with a label and maps.

    Raises:
        InputError: a map of another shape, no clean mask where some are named, or nothing to choose from.
    """

    def read(case_id: str) -> RuleCase:
        return join_case(read_source_case(study, source, case_id), maps, case_id)

    evidence = Evidence(
        case_ids=case_ids,
        read=read,
        read_image=study.read_image,
        subject_of=study.subject_of,
        clean_case_ids=_select_clean(study, choice, case_ids),
        read_clean=study.labels(choice.clean_source).read if choice.clean_source else study.labels(source).read,
    )
    name = settle_name(choice.rule, choice.threshold, has_clean_cases=bool(evidence.clean_case_ids))
    settled = select_rule(name, choice.threshold).settle(evidence, choice.guards)
    change = settled.change
    threshold = (
        change.threshold
        if isinstance(change, Flip)
        else choose_threshold(maps.read(case_id).aleatoric for case_id in case_ids)
    )
    return SettledChange(settled, RelabelSettings(change=change, guards=choice.guards), threshold)


def _select_clean(study: Study, choice: RelabelChoice, case_ids: Sequence[str]) -> tuple[str, ...]:
    """The named clean cases that have a clean mask, and a map.

    Raises:
        InputError: none of those that are named.
    """
    if not choice.clean_source:
        return ()
    study.select_sources([choice.clean_source])
    named = [case_id for case_id in case_ids if case_id in choice.clean_cases]
    found = study.labels(choice.clean_source).select_labelled(named)
    if not found:
        raise InputError(
            "clean_cases must name cases with an uncertainty map that clean_source has labelled",
            found=", ".join(choice.clean_cases),
            where=f"source {choice.clean_source!r}",
        )
    return found


def join_case(case: SourceCase, maps: MapCollection, case_id: str) -> RuleCase:
    """A case of a source with its maps.

    Raises:
        InputError: the maps have another shape.
    """
    found = _read_maps(maps, case_id, case)
    return RuleCase(case.mask, found.aleatoric, found.probability, case.spacing)


def _read_maps(maps: MapCollection, case_id: str, case: SourceCase) -> UncertaintyMaps:
    found = maps.read(case_id)
    uncertainty = found.aleatoric
    if uncertainty.shape != case.mask.shape:
        raise InputError(
            f"an uncertainty map must have the shape of its mask, {case.mask.shape}",
            found=uncertainty.shape,
            where=f"case {case_id!r}",
            hint="estimate it from the images of this study with `overread uncertainty`",
        )
    return found
