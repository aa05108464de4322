"""Step: relabel a source where networks are uncertain, into a folder of its own, and make it a source of a study."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from overread.errors import InputError
from overread.inference.uncertainty_maps import UncertaintyMaps
from overread.labels.relabelling import MOST_UNCERTAINTY, FlipRule, RelabelSettings, choose_threshold
from overread.labels.source_cases import SourceCase, read_source_case
from overread.questions.relabel.page.review import RelabelledLabels
from overread.questions.relabel.review import CaseReview, propose_label, review_case
from overread.questions.relabel.steps.relabelled_folder import RelabelledFolder
from overread.questions.relabel.steps.review_labels import LISTING, describe_origin, write_review
from overread.report.context import RunContext
from overread.runs.derived_source import add_relabelled, check_source_name
from overread.runs.map_collection import MapCollection
from overread.settings import Settings
from overread.study.digest import compute_source_digest
from overread.study.label_set import LabelSet
from overread.study.output_folder import create_folder
from overread.study.rasters import write_mask
from overread.study.schema import Provenance
from overread.study.study import Study

OPERATION = "relabel"
_DIGITS = 6


class RelabelChoice(Settings):
    """What a user chooses about relabelling."""

    threshold: float | None = Field(
        None,
        gt=0,
        lt=MOST_UNCERTAINTY,
        description="a voxel changes sides above this uncertainty; chosen from the maps if None",
    )
    flips: FlipRule = Field(
        "contradicted", description="all uncertain voxels, or those whose label the mean prediction contradicts"
    )
    largest_change: float = Field(
        0.5, gt=0, description="share of its labelled voxels that may change in a case; one beyond it is left as it is"
    )


def make_relabelled_source(
    study: Study,
    source: str,
    maps: MapCollection,
    *,
    name: str,
    choice: RelabelChoice,
    output: Path,
    context: RunContext | None = None,
) -> RelabelledFolder:
    """Relabel every case of a source that has an uncertainty map, and list what a human should look at.

    The new source has all cases of the old one. A case without a map, and one in which more would change than the
    limit allows, has the mask that it had; the provenance says so in `has_map` and `is_kept`. There, `changed_share`
    and the parameter `largest_change` are null where they are infinite. The folder appears whole or not at all.

    Args:
        study: the study; neither its labels nor anything else in it is written to.
        source: the labels to repair.
        maps: uncertainty of the cases; their aleatoric part decides.
        name: name of the new source.
        choice: threshold, and the limit on what may change.
        output: folder to write, new or empty.
        context: what the page says about its making; None for what the study itself tells.

    Raises:
        InputError: unknown source, a name that cannot be that of a source, no map of a labelled case, a map of another
            shape, or no threshold can be chosen.
    """
    study.select_sources([source])
    check_source_name(name)
    labelled = study.labelled_case_ids(source)
    mapped = maps.select(labelled, where=f"source {source!r}")
    settings = _settle_threshold(choice, maps, mapped)
    with create_folder(output) as partial:
        reviews, results = _relabel(study, source, maps, settings=settings, folder=partial / name)
        provenance = _build_provenance(study, source, maps, settings=settings, choice=choice, cases=results)
        provenance.write_yaml(RelabelledFolder(partial, name).provenance_file)
        labels = RelabelledLabels(
            name=name,
            source=source,
            settings=settings,
            method=str(maps.parameters.get("method", "")),
            unmapped=tuple(case_id for case_id in labelled if case_id not in set(mapped)),
            read_maps=maps.read,
            listing=LISTING,
        )
        origin = context or describe_origin(study, source, provenance)
        write_review(RelabelledFolder(partial, name).review_folder, reviews, study=study, labels=labels, context=origin)
    return RelabelledFolder(output, name)


def add_relabelled_source(root: Path, made: RelabelledFolder) -> bool:
    """Make a relabelled source one of the study at `root`, which may lack images and masks.

    Returns:
        False where the study has it already, made in the same way.

    Raises:
        InputError: the study has another source of that name.
    """
    provenance = made.read_provenance()
    return add_relabelled(
        root,
        made.name,
        description=f"{provenance.parameters['source']} relabelled where networks are uncertain",
        masks=made.iterate_masks(Study.open(root).suffix),
        provenance=provenance,
    )


def _settle_threshold(choice: RelabelChoice, maps: MapCollection, case_ids: Sequence[str]) -> RelabelSettings:
    threshold = choice.threshold
    if threshold is None:
        threshold = choose_threshold(maps.read(case_id).aleatoric for case_id in case_ids)
    return RelabelSettings(threshold=threshold, flips=choice.flips, largest_change=choice.largest_change)


def _relabel(
    study: Study, source: str, maps: MapCollection, *, settings: RelabelSettings, folder: Path
) -> tuple[list[CaseReview], dict[str, dict[str, Any]]]:
    """Write the mask of every case; returns what there is to look at, and what came of each case."""
    labels, mapped = LabelSet("", folder, study.suffix), set(maps.case_ids)
    reviews: list[CaseReview] = []
    results: dict[str, dict[str, Any]] = {}
    for case_id in study.labelled_case_ids(source):
        case = read_source_case(study, source, case_id)
        new, results[case_id] = case.mask, {"has_map": False}
        if case_id in mapped:
            found = _read_maps(maps, case_id, case)
            proposal = propose_label(case.mask, found.aleatoric, settings, probability=found.probability)
            new = case.mask if proposal.is_kept else proposal.mask
            review = review_case(
                case_id,
                case.mask,
                proposal,
                found.aleatoric,
                threshold=settings.threshold,
                spacing=case.spacing,
                settings=LISTING,
            )
            reviews.append(review)
            results[case_id] = _describe_case(review)
        write_mask(labels.path(case_id), new, case.affine)
    return reviews, results


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


def _describe_case(review: CaseReview) -> dict[str, Any]:
    return {
        "has_map": True,
        "changed_count": review.changed_count,
        "changed_share": _to_finite(review.changed_share),
        "is_kept": review.is_kept,
        "cumulative_uncertainty": _to_finite(review.cumulative_uncertainty),
    }


def _build_provenance(
    study: Study,
    source: str,
    maps: MapCollection,
    *,
    settings: RelabelSettings,
    choice: RelabelChoice,
    cases: Mapping[str, dict[str, Any]],
) -> Provenance:
    return Provenance(
        operation=OPERATION,
        parents={**maps.parents, source: compute_source_digest(study, source)},
        parameters={
            **maps.parameters,
            "source": source,
            "threshold": settings.threshold,
            "threshold_rule": "given" if choice.threshold is not None else "otsu",
            "flips": settings.flips,
            "largest_change": _to_finite(settings.largest_change),
        },
        cases=dict(cases),
    )


def _to_finite(value: float) -> float | None:
    """Round a number for the provenance; None where it is infinite, which not every reader of YAML or JSON takes."""
    return round(value, _DIGITS) if math.isfinite(value) else None
