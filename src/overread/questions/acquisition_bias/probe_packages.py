"""Packages of slices: what is drawn is kept as a record, which cuts the same package again bit for bit."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from overread.questions.acquisition_bias.probe_settings import ProbeImageSettings


@dataclass(frozen=True)
class PackageRecord:
    """Which slices of a case make a package, and how they are turned.

    Attributes:
        slices: indices into the case's stack, rising.
        flip_rows: the package is upside down.
        flip_columns: the package is mirrored left to right.
    """

    slices: tuple[int, ...]
    flip_rows: bool = False
    flip_columns: bool = False


def sample_package(
    settings: ProbeImageSettings, slice_count: int, generator: np.random.Generator, *, flips: bool
) -> PackageRecord:
    """Draw different slices of a case, in their order.

    A case with fewer slices than a package gives some of them again; a case of one slice, as in a 2D study, gives it
    in every channel, so that all cases fit one network.

    Args:
        settings: slices of a package, and the flips that may be drawn.
        slice_count: slices of the case.
        generator: draws.
        flips: draw flips, too; not for held-out cases.
    """
    order = generator.permutation(slice_count)
    return PackageRecord(
        slices=tuple(sorted(int(index) for index in np.resize(order, settings.slices))),
        flip_rows=flips and settings.flip_rows and bool(generator.integers(2)),
        flip_columns=flips and settings.flip_columns and bool(generator.integers(2)),
    )


def apply_package(stack: NDArray[np.float16], record: PackageRecord) -> NDArray[np.float32]:
    """Take the slices of a record from a case (N, Y, X); (slices, Y, X) float32."""
    package = stack[list(record.slices)].astype(np.float32)
    axes = tuple(axis for axis, flip in ((1, record.flip_rows), (2, record.flip_columns)) if flip)
    return np.ascontiguousarray(np.flip(package, axes))
