"""Step: make a perturbed variant of a source, as a new source of the study or in a folder of its own."""

from pathlib import Path

from overread.adapters.versioning import commit_study
from overread.errors import InputError
from overread.labels.settings import VariantSettings
from overread.labels.variants import Variant, make_variant
from overread.study.label_set import LabelSet
from overread.study.output_folder import create_folder
from overread.study.rasters import write_mask
from overread.study.schema import Provenance, SourceSettings
from overread.study.study import Study, add_source


def run(folder: Path, variant: VariantSettings, *, source: str, output: Path | None = None) -> str:
    """Make a variant and say what came of it.

    Args:
        folder: folder of the study.
        variant: kind of error, wanted Dice or vertices, and seed.
        source: the clean source.
        output: gets `<name>/` with the masks and `<name>.provenance.yaml`; the study itself if None, and its repository
            gets a commit where it has one.

    Returns:
        Strength if there is one, mean Dice and its range over the cases, and where the variant is, for people.

    Raises:
        InputError: unknown source, or another variant of that name exists; it is never overwritten.
        SettingsError: the Dice cannot be reached.
        VersioningError: the variant was added, but git or DVC refused.
    """
    study = Study.open(folder)
    made = make_variant(study, source, variant)
    written = _add_to_study(study, made) if output is None else _write_to_folder(study, made, output)
    return f"{_describe(made)}\n{written}"


def _add_to_study(study: Study, made: Variant) -> str:
    if made.name in study.settings.sources:
        labels = study.labels(made.name)
        return _check_is_same(made, labels, study.provenance_path(made.name), study)
    settings = SourceSettings(kind="perturbed", description=f"{made.source} with errors: {made.variant.name}")
    add_source(study.root, made.name, settings=settings, masks=made.iterate_masks(), provenance=made.provenance)
    if not (study.root / ".git").exists() or not (study.root / ".dvc").is_dir():
        return f"added {made.name}; version it with `overread study commit`"
    return f"added {made.name} in commit {commit_study(study.root, f'Add {made.name}')}"


def _write_to_folder(study: Study, made: Variant, output: Path) -> str:
    labels = LabelSet(made.name, output / made.name, study.suffix)
    provenance_file = output / f"{made.name}.provenance.yaml"
    if labels.folder.exists():
        return _check_is_same(made, labels, provenance_file, study)
    with create_folder(labels.folder) as partial:
        for case_id, mask, affine in made.iterate_masks():
            write_mask(partial / labels.path(case_id).name, mask, affine)
        # Before the masks appear: masks without provenance could not be told from another variant.
        made.provenance.write_yaml(provenance_file)
    return f"wrote {labels.folder}"


def _check_is_same(made: Variant, labels: LabelSet, provenance_file: Path, study: Study) -> str:
    is_whole = labels.select_labelled(study.case_ids) == tuple(made.provenance.cases)
    if is_whole and provenance_file.is_file() and Provenance.read_yaml(provenance_file) == made.provenance:
        return f"{labels.folder} holds it already"
    raise InputError(
        "a variant is never overwritten; its name must be free, or be that of the same variant",
        found=f"another {made.name} in {labels.folder.parent}",
        hint="remove it, or choose another seed, which becomes part of the name",
    )


def _describe(made: Variant) -> str:
    found, strength = made.provenance.parameters, ""
    if made.variant.has_strength:
        strength = f"strength {found['strength']:.4g} {found['strength_unit']}, "
    return (
        f"{made.name}: {strength}mean Dice {found['mean_dice']:.4f} "
        f"({found['lowest_dice']:.4f}–{found['highest_dice']:.4f}) over {found['filled_case_count']} cases"
    )
