"""Step: write one source of a study for another tool."""

from pathlib import Path

from overread.errors import SettingsError
from overread.study.exporting.bids import export_bids
from overread.study.exporting.nnunet import export_nnunet
from overread.study.study import Study


def run(folder: Path, target: Path, *, layout: str, source: str) -> Path:
    """Export to nnU-Net raw or BIDS derivatives; returns the folder of the data set."""
    study = Study.open(folder)
    study.select_sources([source])
    if layout == "nnunet":
        return export_nnunet(study, target, source=source)
    if layout == "bids":
        return export_bids(study, target, sources=[source])
    raise SettingsError("layout must be nnunet or bids", found=repr(layout))
