"""From a study to the layouts that other tools read."""

from pathlib import Path

from overread.errors import SettingsError
from overread.study.exporting.bids import export_bids
from overread.study.exporting.nnunet import export_nnunet
from overread.study.study import Study


def export_study(folder: Path, target: Path, *, layout: str, source: str) -> Path:
    """Write one source of a study as nnU-Net raw or BIDS derivatives; returns the folder of the data set.

    Raises:
        SettingsError: the layout is another one.
        InputError: the study has no such source, or what the layout's own function refuses.
    """
    study = Study.open(folder)
    study.select_sources([source])
    if layout == "nnunet":
        return export_nnunet(study, target, source=source)
    if layout == "bids":
        return export_bids(study, target, sources=[source])
    raise SettingsError("layout must be nnunet or bids", found=repr(layout))
