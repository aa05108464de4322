"""Step: make the predictions that a pipeline left a source of the study."""

from pathlib import Path

from overread.errors import InputError
from overread.study.label_set import LabelSet
from overread.study.schema import Provenance, SourceSettings
from overread.study.study import Study, add_source


def run(folder: Path, masks: Path) -> None:
    """Add the masks in a folder as a source of kind model, named like the folder.

    Raises:
        InputError: no provenance lies beside the folder, it has no mask of a case, or the source exists.
    """
    study = Study.open(folder)
    provenance_file = masks.with_name(f"{masks.name}.provenance.yaml")
    if not provenance_file.is_file():
        raise InputError("predictions must come with their provenance", found=f"no {provenance_file}")
    labels = LabelSet(masks.name, masks, study.suffix)
    case_ids = labels.select_labelled(study.case_ids)
    if not case_ids:
        raise InputError("predictions must hold a mask of a case of the study", found=f"none in {masks}")
    add_source(
        folder,
        masks.name,
        settings=SourceSettings(kind="model", description="held-out predictions"),
        masks=((case_id, labels.read(case_id), study.read_affine(case_id)) for case_id in case_ids),
        provenance=Provenance.read_yaml(provenance_file),
    )
