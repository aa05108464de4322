"""Maps of aleatoric and epistemic uncertainty, from predictions that come one at a time, and as files."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from overread.errors import InputError
from overread.study.rasters import IMAGE_SUFFIX, VOLUME_SUFFIX, read_raster, write_image, write_volume
from overread.types import Affine, Mask, Probability

GREATEST_UNCERTAINTY = 0.25
"""Largest value of both maps, the variance of a fair coin."""
_GREATEST = {"probability": 1.0, "aleatoric": GREATEST_UNCERTAINTY, "epistemic": GREATEST_UNCERTAINTY}
_WHITE = np.iinfo(np.uint16).max


@dataclass(frozen=True)
class UncertaintyMaps:
    """What N predictions p_n of one image say together, all (*S) float32.

    Redekop and Chernyavskiy 2021, equation 1, for two classes; the split into two parts is that of Kwon et al. 2018,
    which the equation is taken from. The two parts add up to mean p (1 - mean p).

    Attributes:
        probability: mean_n p_n, in [0, 1].
        aleatoric: mean_n p_n (1 - p_n), in [0, 0.25], high where the predictions themselves are undecided.
        epistemic: mean_n (p_n - mean p)², in [0, 0.25], high where they contradict each other.
    """

    probability: Probability
    aleatoric: NDArray[np.float32]
    epistemic: NDArray[np.float32]

    @property
    def cumulative_aleatoric(self) -> float:
        """Sum of the aleatoric uncertainty over all voxels, the cumulative uncertainty of the paper's section 3.2."""
        return float(self.aleatoric.sum(dtype=np.float64))


class UncertaintyAccumulator:
    """Takes predictions one at a time and keeps four maps, however many they are.

    Means and squared deviations are updated as in Welford 1962, in float32: differences from the mean are added up,
    never squares, which would cancel where predictions agree.

    Args:
        shape: (*S) of the predictions.
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        self._counts = np.zeros(shape, np.float32)
        self._mean = np.zeros(shape, np.float32)
        self._aleatoric = np.zeros(shape, np.float32)
        self._squared_deviations = np.zeros(shape, np.float32)

    @property
    def shape(self) -> tuple[int, ...]:
        """(*S) of the predictions."""
        return self._mean.shape

    def add(self, probability: Probability, covered: Mask | None = None) -> None:
        """Take one prediction into account.

        Args:
            probability: (*S), in [0, 1].
            covered: (*S), False where the prediction has no weight; None where it counts everywhere.

        Raises:
            InputError: the prediction has another shape.
        """
        if probability.shape != self.shape:
            raise InputError(f"a prediction must have the shape {self.shape}", found=probability.shape)
        weight = np.ones((), np.float32) if covered is None else covered.astype(np.float32)
        self._counts += weight
        share = weight / np.maximum(self._counts, 1)
        deviation = probability - self._mean
        self._mean += share * deviation
        self._squared_deviations += weight * deviation * (probability - self._mean)
        self._aleatoric += share * (probability * (1 - probability) - self._aleatoric)

    def compute(self) -> UncertaintyMaps:
        """The maps of all predictions so far, each voxel's over those that cover it.

        Raises:
            InputError: no prediction covers some voxel.
        """
        if missing := int(np.count_nonzero(self._counts == 0)):
            raise InputError("every voxel must be covered by a prediction", found=f"{missing} that none covers")
        # Rounding may leave the ranges by about 1e-7.
        return UncertaintyMaps(
            probability=np.clip(self._mean, 0, 1),
            aleatoric=np.clip(self._aleatoric, 0, GREATEST_UNCERTAINTY),
            epistemic=np.clip(self._squared_deviations / self._counts, 0, GREATEST_UNCERTAINTY),
        )


def average_maps(maps: Iterable[UncertaintyMaps]) -> UncertaintyMaps:
    """What several networks, each with as many predictions, say together: the maps of all their predictions.

    Args:
        maps: (*S) each, at least one; one is held at a time.

    Raises:
        InputError: there is none.
    """
    count, probability, aleatoric = 0, np.zeros((), np.float64), np.zeros((), np.float64)
    for one in maps:
        count, probability, aleatoric = count + 1, probability + one.probability, aleatoric + one.aleatoric
    if not count:
        raise InputError("a mean of uncertainties needs at least one", found="none")
    probability, aleatoric = probability / count, aleatoric / count
    return UncertaintyMaps(
        probability=probability.astype(np.float32),
        aleatoric=aleatoric.astype(np.float32),
        # The two parts add up to mean p (1 - mean p).
        epistemic=np.clip(probability * (1 - probability) - aleatoric, 0, GREATEST_UNCERTAINTY).astype(np.float32),
    )


def write_uncertainty(folder: Path, case_id: str, maps: UncertaintyMaps, affine: Affine | None) -> None:
    """Write `<folder>/<map>/<case_id>`, the map being probability, aleatoric or epistemic.

    Volumes become NIfTI of float32 with the case's affine, bit for bit. Images become grey PNG of 16 bits, which any
    viewer opens: black is 0, white (65535) is a probability of 1 or an uncertainty of 0.25, so that values keep steps
    of 1.5e-5 and 3.8e-6.

    Args:
        folder: gets a folder for each map.
        case_id: the case.
        maps: (*S) each.
        affine: voxel to millimetre matrix of the case; None in 2D.
    """
    values = {"probability": maps.probability, "aleatoric": maps.aleatoric, "epistemic": maps.epistemic}
    for name, greatest in _GREATEST.items():
        if affine is None:
            pixels = np.rint(values[name] * (_WHITE / greatest)).astype(np.uint16)
            write_image(_path(folder, name, case_id, IMAGE_SUFFIX), pixels)
        else:
            write_volume(_path(folder, name, case_id, VOLUME_SUFFIX), values[name], affine)


def read_uncertainty(folder: Path, case_id: str, suffix: str) -> UncertaintyMaps:
    """Read the maps that `write_uncertainty` wrote.

    Args:
        folder: holds a folder for each map.
        case_id: the case.
        suffix: `Study.suffix` of the case's study.

    Raises:
        InputError: a map is missing or damaged.
    """
    return UncertaintyMaps(**{name: _read(_path(folder, name, case_id, suffix), _GREATEST[name]) for name in _GREATEST})


def _path(folder: Path, name: str, case_id: str, suffix: str) -> Path:
    return folder / name / f"{case_id}{suffix}"


def _read(path: Path, greatest: float) -> NDArray[np.float32]:
    voxels = read_raster(path).voxels
    return np.asarray(voxels * (greatest / _WHITE) if voxels.dtype == np.uint16 else voxels, np.float32)
