"""Keeping what a command writes away from the labels of a study."""

from collections.abc import Sequence
from pathlib import Path

from overread.errors import InputError
from overread.study.study import LABELS_FOLDER, Study


def check_is_outside_labels(root: Path, output: Path) -> None:
    """Refuse an output folder among the labels of the study at `root`: new sources have commands of their own.

    Raises:
        InputError: the folder is, or lies in, the study's folder of labels.
    """
    labels = (root / LABELS_FOLDER).resolve()
    if output.resolve().is_relative_to(labels):
        raise InputError("an output folder must not lie among the labels of the study", found=output)


def check_masks_are_free(study: Study, output: Path, case_ids: Sequence[str]) -> None:
    """Refuse an output folder that holds a mask of one of the cases, or of any case where none is named.

    Raises:
        InputError: it does; a file that is linked to a label would change the label.
    """
    taken = [case_id for case_id in case_ids or study.case_ids if (output / f"{case_id}{study.suffix}").exists()]
    if taken:
        raise InputError(
            "a mask is never overwritten; the output folder must hold none of the cases",
            found=", ".join(taken[:5]),
            where=str(output),
            hint="choose another folder",
        )
