"""One perturbed variant in a folder of its own, before it becomes a source of a study."""

from dataclasses import dataclass
from pathlib import Path

from overread.errors import InputError
from overread.labels.settings import VariantSettings, name_variant
from overread.runs import perturb_labels
from overread.runs.fingerprint import name_result
from overread.runs.reuse import finish_result
from overread.study.digest import compute_source_digest
from overread.study.label_set import LabelSet
from overread.study.schema import Provenance, SourceSettings
from overread.study.study import Study, add_source


@dataclass(frozen=True)
class VariantFolder:
    """A variant to make, and where it is kept.

    Attributes:
        study: folder of the study.
        source: the clean source.
        variant: what to make.
        folder: gets the masks and the provenance.
        store: address of the result store.
    """

    study: Path
    source: str
    variant: VariantSettings
    folder: Path
    store: str

    @property
    def name(self) -> str:
        """Name of the source that holds the variant."""
        return name_variant(self.source, self.variant)

    @property
    def provenance_file(self) -> Path:
        """Says how the masks were made."""
        return self.folder / f"{self.name}.provenance.yaml"

    def open_labels(self, study: Study) -> LabelSet:
        """The masks."""
        return LabelSet(self.name, self.folder / self.name, study.suffix)


def make_variant_folder(item: VariantFolder) -> str:
    """Make a variant, or take it from the store; returns a line for people."""
    study = Study.open(item.study)
    parts = {
        "source": compute_source_digest(study, item.source),
        "spacing": [study.read_spacing(case_id) for case_id in study.labelled_case_ids(item.source)],
        "variant": item.variant.model_dump(mode="json"),
    }
    key = f"variants/{name_result('variant', made_by=perturb_labels.__name__, parts=parts)}"
    outcome = finish_result(
        item.store,
        key,
        item.folder,
        lambda: perturb_labels.run(item.study, item.variant, source=item.source, output=item.folder),
    )
    return outcome.splitlines()[0] if outcome else f"{item.name}: reused"


def add_variant(root: Path, item: VariantFolder) -> bool:
    """Make the variant a source of the study at `root`, which may lack images and masks.

    Returns:
        False where the study has it already, made in the same way.

    Raises:
        InputError: the study has another source of that name.
    """
    study, target, provenance = Study.open(item.study), Study.open(root), Provenance.read_yaml(item.provenance_file)
    if item.name in target.settings.sources:
        if Provenance.read_yaml(target.provenance_path(item.name)) == provenance:
            return False
        raise InputError(
            "a source is never overwritten; the study holds another one of that name",
            found=repr(item.name),
            hint="rename or remove it, or choose another seed, as in natural-0.90-seed1",
        )
    labels = item.open_labels(study)
    add_source(
        root,
        item.name,
        settings=SourceSettings(kind="perturbed", description=f"{item.source} with errors: {item.variant.name}"),
        masks=(
            (case_id, labels.read(case_id), study.read_affine(case_id))
            for case_id in labels.select_labelled(study.case_ids)
        ),
        provenance=provenance,
    )
    return True
