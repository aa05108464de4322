"""Step: make the perturbed variants of a source and record them, in one commit, on a branch of the study."""

import hashlib
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from overread.adapters.source_branch import commit_sources_on_branch
from overread.errors import InputError
from overread.labels.fixed_draw import measure_reduced
from overread.labels.perturbation import calibrate_strength
from overread.labels.settings import VariantSettings
from overread.labels.source_cases import SourceCases
from overread.labels.variant_record import LabelVariant
from overread.runs.label_variants import (
    LabelVariants,
    describe_control,
    describe_fixed,
    describe_redrawn,
    parse_redraw,
    parse_variants,
)
from overread.runs.progress import report_progress
from overread.runs.study_copy import Origin, copy_study
from overread.runs.variant_folder import VariantFolder, add_variant, make_variant_folder
from overread.runs.workers import run_side_by_side
from overread.settings import Settings
from overread.study.digest import compute_source_digest
from overread.study.schema import Provenance
from overread.study.study import Study
from overread.training.result import RedrawnLabels

_BRANCH = "overread/label-noise-"


class VariantChoice(Settings):
    """What a user chooses about the label variants.

    Attributes:
        source: the clean source; the first rater of the study if empty.
        variants: names of perturbations, for example natural-0.90.
        redraw: `never` for fixed labels, `every_epoch` for labels that are drawn anew while training.
    """

    source: str
    variants: tuple[str, ...]
    redraw: str


@dataclass(frozen=True)
class MadeVariants:
    """What the step leaves.

    Attributes:
        variants: the control and the perturbed labels.
        revision: commit of the study that holds them.
    """

    variants: LabelVariants
    revision: str


def run(
    study_folder: Path, choice: VariantChoice, *, output: Path, origin: Origin, processes: int, store: str
) -> MadeVariants:
    """Write a copy of the study that holds the variants too, and record them.

    The commit follows the fetched one on a branch that is named by what it holds, so that running again finds it and
    the branches that people work on stay as they are. With `redraw` every_epoch nothing is recorded: strengths are
    calibrated, polygons are drawn once to expect their Dice, and the labels are drawn while training.

    Args:
        study_folder: the study as it was fetched.
        choice: what to make.
        output: folder of the copy.
        origin: where the study comes from.
        processes: variants that are made side by side.
        store: address of the result store.

    Raises:
        InputError: unknown source or variant, or a Dice that the masks cannot be brought to.
        VersioningError: the study's repository or its remote cannot be written.
    """
    study = Study.open(study_folder)
    source = _choose_source(study, choice.source)
    wanted, redraw = parse_variants(choice.variants), parse_redraw(choice.redraw)
    control = describe_control(compute_source_digest(study, source))
    copy_study(study_folder, output)
    if redraw == "every_epoch":
        described, redrawn = _calibrate(study, source, wanted)
        variants = LabelVariants(source=source, redraw=redraw, variants=(control, *described), redrawn=redrawn)
        return MadeVariants(variants, origin.revision)
    with tempfile.TemporaryDirectory(prefix="overread-variants-") as scratch:
        items = [
            VariantFolder(study_folder, source, variant, Path(scratch) / variant.name, store) for variant in wanted
        ]
        for line in run_side_by_side(make_variant_folder, items, processes=processes, needs_torch=False):
            report_progress(line)
        for item in items:
            add_variant(output, item)
        revision = _record(items, Study.open(output), origin)
        described = tuple(
            describe_fixed(
                item.variant,
                Provenance.read_yaml(item.provenance_file),
                compute_source_digest(Study.open(output), item.name),
            )
            for item in items
        )
    return MadeVariants(LabelVariants(source=source, redraw=redraw, variants=(control, *described)), revision)


def _choose_source(study: Study, name: str) -> str:
    found = study.select_sources([name] if name else ())
    if not found:
        raise InputError("a study must have at least one source that is neither hidden nor derived", found="none")
    return found[0]


def _calibrate(
    study: Study, source: str, wanted: Sequence[VariantSettings]
) -> tuple[tuple[LabelVariant, ...], tuple[RedrawnLabels, ...]]:
    described, redrawn = [], []
    for variant in wanted:
        dice, strength = _expect_dice(SourceCases(study, source), variant)
        described.append(describe_redrawn(variant, dice=dice, strength=strength))
        redrawn.append(RedrawnLabels(variant=variant.name, perturbation=variant.to_perturbation(strength)))
        report_progress(f"{variant.name}: expected Dice {dice:.3f}")
    return tuple(described), tuple(redrawn)


def _expect_dice(cases: SourceCases, variant: VariantSettings) -> tuple[float, float | None]:
    """Expected Dice and strength; polygons have no strength, and their Dice is that of one draw."""
    if not variant.has_strength:
        return measure_reduced(cases, variant, source=cases.source).mean_dice, None
    found = calibrate_strength(cases, variant, source=cases.source)
    return found.dice, found.strength


def _record(items: Sequence[VariantFolder], copy: Study, origin: Origin) -> str:
    """Commit the variants that the fetched revision lacks; returns the commit that holds all of them."""
    if not items:
        return origin.revision
    digests = [f"{item.name} {compute_source_digest(copy, item.name)}" for item in items]
    name = hashlib.sha256("\n".join([origin.revision, *sorted(digests)]).encode()).hexdigest()

    def add(root: Path) -> list[str]:
        return [item.name for item in items if add_variant(root, item)]

    return commit_sources_on_branch(
        origin.study_uri,
        origin.revision,
        f"{_BRANCH}{name[:12]}",
        add=add,
        message=f"Add {len(items)} perturbed variants of {items[0].source}",
    )
