"""Uncertainty of the cases of a small study, in places known beforehand.

In every case the first row (or plane) of the block that `ann` outlines is uncertain, and changes sides; in the first
case the whole block is, so that the label is left alone; the last case has no maps.
"""

from pathlib import Path

import numpy as np

from overread.inference.uncertainty_maps import UncertaintyMaps, write_uncertainty
from overread.study.study import Study
from overread.types import Mask

SURE, DOUBTFUL = 0.01, 0.2


def find_first_row(mask: Mask) -> Mask:
    """The part of a block at its lowest index along the first axis."""
    row = np.zeros_like(mask)
    index = int(np.flatnonzero(mask.any(axis=tuple(range(1, mask.ndim))))[0])
    row[index] = mask[index]
    return row


def make_maps(study: Study, case_id: str) -> UncertaintyMaps:
    """Maps of one case."""
    mask = study.labels("ann").read(case_id)
    doubtful = mask if case_id == study.case_ids[0] else find_first_row(mask)
    aleatoric = np.where(doubtful, DOUBTFUL, SURE).astype(np.float32)
    return UncertaintyMaps(probability=aleatoric * 2, aleatoric=aleatoric, epistemic=aleatoric / 2)


def write_maps(study: Study, folder: Path) -> Path:
    """Write the maps of all cases but the last, as `overread uncertainty` does."""
    for case_id in study.case_ids[:-1]:
        write_uncertainty(folder, case_id, make_maps(study, case_id), study.read_affine(case_id))
    return folder
