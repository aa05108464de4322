"""Adding masks that were made from other sources, or predicted, to a study."""

import re
from collections.abc import Iterable
from pathlib import Path

from overread.adapters.versioning import commit_study
from overread.errors import InputError
from overread.study.label_set import LabelSet
from overread.study.schema import NAME_PATTERN, Provenance, SourceSettings
from overread.study.study import Study, add_source
from overread.types import Affine, Mask


def check_source_name(name: str) -> None:
    """Refuse a name that cannot be that of a source.

    Raises:
        InputError: it is empty, or would lead out of its folder.
    """
    if not re.fullmatch(NAME_PATTERN, name):
        raise InputError(
            "the name of a source must be letters, digits, '_', '.', '+' and '-', the first a letter or a digit",
            found=repr(name),
        )


def has_same_source(study: Study, name: str, provenance: Provenance) -> bool:
    """Whether a study has a source already, made in the same way.

    Raises:
        InputError: it has another source of that name.
    """
    if name not in study.settings.sources:
        return False
    file = study.provenance_path(name)
    if file.is_file() and Provenance.read_yaml(file) == provenance:
        return True
    raise InputError(
        "a source is never overwritten; the study holds another one of that name",
        found=repr(name),
        hint="choose another name with --name, or remove that source",
    )


def add_relabelled(
    root: Path,
    name: str,
    *,
    description: str,
    masks: Iterable[tuple[str, Mask, Affine | None]],
    provenance: Provenance,
) -> bool:
    """Make masks a source of kind `relabelled` of the study at `root`, which may lack images.

    Args:
        root: folder of the study.
        name: name of the new source.
        description: one line about it.
        masks: case id, mask (*S) and affine (None in 2D) of every case.
        provenance: how the masks were made.

    Returns:
        False where the study has it already, made in the same way.

    Raises:
        InputError: the name cannot be that of a source, or the study has another source of that name.
    """
    check_source_name(name)
    if has_same_source(Study.open(root), name, provenance):
        return False
    settings = SourceSettings(kind="relabelled", description=description)
    add_source(root, name, settings=settings, masks=masks, provenance=provenance)
    return True


def record_source(root: Path, name: str, *, is_new: bool) -> str:
    """Commit a new source where the study is a repository, and say for people what came of it.

    Raises:
        VersioningError: git or DVC refused; the source was added.
    """
    if not is_new:
        return f"the study holds {name} already"
    if not (root / ".git").exists() or not (root / ".dvc").is_dir():
        return f"added {name}; version it with `overread study commit`"
    return f"added {name} in commit {commit_study(root, f'Add {name}')}"


def add_predictions(folder: Path, masks: Path) -> None:
    """Add the masks in a folder, predictions that a pipeline left, as a source of kind model named like the folder.

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
