"""Step: relabel a source where networks are uncertain, into a folder of its own, and make it a source of a study."""

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from overread.labels.relabel_rules.change import RuleCase
from overread.labels.relabelling import RelabelledCase, relabel_case
from overread.labels.source_cases import read_source_case
from overread.questions.relabel.page.review import RelabelledLabels
from overread.questions.relabel.review import CaseReview, review_case
from overread.questions.relabel.steps.relabelled_folder import RelabelledFolder
from overread.questions.relabel.steps.review_labels import LISTING, describe_origin, write_review
from overread.questions.relabel.steps.settled_change import RelabelChoice, SettledChange, join_case, settle_change
from overread.report.context import RunContext
from overread.runs.derived_source import add_relabelled, check_source_name
from overread.runs.map_collection import MapCollection
from overread.study.digest import compute_source_digest
from overread.study.label_set import LabelSet
from overread.study.output_folder import create_folder
from overread.study.rasters import write_mask
from overread.study.schema import Provenance
from overread.study.study import Study

OPERATION = "relabel"
_DIGITS = 6


@dataclass(frozen=True)
class _Changed:
    """What became of the masks of a source.

    Attributes:
        reviews: what there is to look at in each case.
        results: what the provenance says of each case.
        stopped: why no mask was changed at all; empty where nothing spoke against it.
    """

    reviews: list[CaseReview]
    results: dict[str, dict[str, Any]]
    stopped: str


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

    The new source has all cases of the old one. A case without a map, and one whose new mask the limits refuse, has the
    mask that it had; the provenance says so in `has_map`, `is_kept` and `refusal`. There, `changed_share` and
    `area_ratio` are null where they are infinite. Where too many cases are refused, or labels would shrink too much
    altogether, no mask is changed, and the parameter `stopped` says why. The folder appears whole or not at all.

    Args:
        study: the study; neither its labels nor anything else in it is written to.
        source: the labels to repair.
        maps: mean prediction and uncertainty of the cases.
        name: name of the new source.
        choice: the rule, and the limits on what may change.
        output: folder to write, new or empty.
        context: what the page says about its making; None for what the study itself tells.

    Raises:
        InputError: unknown source, a name that cannot be that of a source, no map of a labelled case, a map of another
            shape, or the rule finds nothing to choose from.
    """
    study.select_sources([source])
    check_source_name(name)
    labelled = study.labelled_case_ids(source)
    mapped = maps.select(labelled, where=f"source {source!r}")
    plan = settle_change(study, source, maps, choice, mapped)
    with create_folder(output) as partial:
        changed = _relabel(study, source, maps, plan=plan, folder=partial / name)
        provenance = _build_provenance(study, source, maps, plan=plan, choice=choice, changed=changed)
        provenance.write_yaml(RelabelledFolder(partial, name).provenance_file)
        labels = RelabelledLabels(
            name=name,
            source=source,
            settled=plan.settled,
            settings=plan.settings,
            threshold=plan.threshold,
            stopped=changed.stopped,
            method=str(maps.parameters.get("method", "")),
            unmapped=tuple(case_id for case_id in labelled if case_id not in set(mapped)),
            read_maps=maps.read,
            listing=LISTING,
        )
        origin = context or describe_origin(study, source, provenance)
        write_review(
            RelabelledFolder(partial, name).review_folder, changed.reviews, study=study, labels=labels, context=origin
        )
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


def _relabel(study: Study, source: str, maps: MapCollection, *, plan: SettledChange, folder: Path) -> _Changed:
    """Write the mask of every case."""
    labels, mapped = LabelSet("", folder, study.suffix), set(maps.case_ids)
    reviews: list[CaseReview] = []
    results: dict[str, dict[str, Any]] = {}
    for case_id in study.labelled_case_ids(source):
        case = read_source_case(study, source, case_id)
        new, results[case_id] = case.mask, {"has_map": False}
        if case_id in mapped:
            joined = join_case(case, maps, case_id)
            found = relabel_case(joined, plan.settings)
            new, review = found.mask, _review(case_id, joined, found, plan)
            reviews.append(review)
            results[case_id] = _describe_case(review)
        write_mask(labels.path(case_id), new, case.affine)
    stopped = plan.settings.guards.judge(
        [review.refusal for review in reviews], [review.area_ratio for review in reviews]
    )
    if stopped:
        for index, review in enumerate(reviews):
            case = read_source_case(study, source, review.case_id)
            write_mask(labels.path(review.case_id), case.mask, case.affine)
            reviews[index] = replace(review, is_kept=True)
            results[review.case_id] = _describe_case(reviews[index])
    return _Changed(reviews, results, stopped)


def _review(case_id: str, case: RuleCase, found: RelabelledCase, plan: SettledChange) -> CaseReview:
    return review_case(
        case_id,
        case.mask,
        found,
        case.uncertainty,
        threshold=plan.threshold,
        spacing=case.spacing,
        settings=LISTING,
    )


def _describe_case(review: CaseReview) -> dict[str, Any]:
    return {
        "has_map": True,
        "changed_count": review.changed_count,
        "changed_share": _to_finite(review.changed_share),
        "area_ratio": _to_finite(review.area_ratio),
        "is_kept": review.is_kept,
        "refusal": review.refusal,
        "cumulative_uncertainty": _to_finite(review.cumulative_uncertainty),
    }


def _build_provenance(
    study: Study, source: str, maps: MapCollection, *, plan: SettledChange, choice: RelabelChoice, changed: _Changed
) -> Provenance:
    settled = plan.settled
    clean = {choice.clean_source: compute_source_digest(study, choice.clean_source)} if choice.clean_source else {}
    return Provenance(
        operation=OPERATION,
        parents={**maps.parents, source: compute_source_digest(study, source), **clean},
        parameters={
            **maps.parameters,
            "source": source,
            "threshold": plan.threshold,
            "threshold_rule": "given" if choice.threshold is not None else "otsu",
            **settled.model_dump(mode="json"),
            "clean_source": choice.clean_source,
            "guards": choice.guards.model_dump(mode="json"),
            "stopped": changed.stopped,
        },
        cases=changed.results,
    )


def _to_finite(value: float) -> float | None:
    """Round a number for the provenance; None where it is infinite, which not every reader of YAML or JSON takes."""
    return round(value, _DIGITS) if math.isfinite(value) else None
