"""From a study to the layouts that other tools read."""

from overread.study.exporting.bids import export_bids
from overread.study.exporting.nnunet import export_nnunet

__all__ = ["export_bids", "export_nnunet"]
