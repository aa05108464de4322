"""STAPLE of several raters' masks of 256×256×128 voxels: ours against SimpleITK's filter, in one run.

    OMP_NUM_THREADS=1 python -m benchmarks.consensus

Both run on one thread and take turns; the table shows the faster round. Both begin with masks of their own type in
memory and end with the probability of every voxel and the mask of those above one half. The run fails if a voxel of the
masks differs, or a probability, sensitivity or specificity by more than 1e-5.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import SimpleITK
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from overread.labels.staple import estimate_staple
from overread.labels.vote_patterns import count_vote_patterns
from overread.types import Mask

SHAPE = (128, 256, 256)
ROUNDS = 2
BAR = 10.0
LARGEST_GAP = 1e-5


@dataclass(frozen=True)
class Consensus:
    """What a tool finds: probability and mask (*S), sensitivity and specificity (R,), and steps."""

    probability: NDArray[np.floating]
    mask: Mask
    sensitivity: NDArray[np.float64]
    specificity: NDArray[np.float64]
    iterations: int


Tool = Callable[[], Consensus]


def draw_raters(seed: int, count: int) -> list[Mask]:
    """A lobed organ with lesions around it, as raters draw it who see its edge and some of the lesions differently."""
    generator = np.random.default_rng(seed)
    axes = np.ogrid[tuple(slice(0, size) for size in SHAPE)]
    radius = np.sqrt(sum(((axis / size - 0.5) / 0.25) ** 2 for axis, size in zip(axes, SHAPE, strict=True)))
    truth = 1 - radius + draw_field(generator, 5.0)
    return [truth + 0.4 * draw_field(generator, 3.0) > generator.uniform(0.0, 0.3) for _ in range(count)]


def draw_field(generator: np.random.Generator, smoothness: float) -> NDArray[np.float32]:
    """Smooth noise of standard deviation 0.5, drawn at half the resolution."""
    half = tuple(size // 2 for size in SHAPE)
    field = gaussian_filter(generator.standard_normal(half, np.float32), smoothness / 2)
    return np.asarray(np.kron(field / (2 * field.std()), np.ones((2, 2, 2), np.float32)))


def fuse_with_ours(masks: list[Mask]) -> Consensus:
    found = estimate_staple(count_vote_patterns(masks))
    return Consensus(found.probability, found.mask, found.sensitivity, found.specificity, found.iterations)


def fuse_with_simpleitk(images: list[SimpleITK.Image]) -> Consensus:
    staple = SimpleITK.STAPLEImageFilter()
    staple.SetForegroundValue(1)
    probability = SimpleITK.GetArrayFromImage(staple.Execute(images))
    rates = np.array([staple.GetSensitivity(), staple.GetSpecificity()])
    return Consensus(probability, probability > 0.5, rates[0], rates[1], staple.GetElapsedIterations() + 1)


def check_is_same(ours: Consensus, peer: Consensus) -> None:
    np.testing.assert_array_equal(ours.mask, peer.mask)
    for name in ("probability", "sensitivity", "specificity"):
        np.testing.assert_allclose(getattr(ours, name), getattr(peer, name), rtol=0, atol=LARGEST_GAP, err_msg=name)


def run_contest(count: int) -> float:
    """Print one row and return how many times faster than SimpleITK we are."""
    masks = draw_raters(count, count)
    images = [SimpleITK.GetImageFromArray(mask.astype(np.uint8)) for mask in masks]
    tools: dict[str, Tool] = {"ours": lambda: fuse_with_ours(masks), "peer": lambda: fuse_with_simpleitk(images)}
    seconds: dict[str, list[float]] = {name: [] for name in tools}
    found: dict[str, Consensus] = {}
    for _ in range(ROUNDS):
        for name, tool in tools.items():
            start = time.perf_counter()
            found[name] = tool()
            seconds[name].append(time.perf_counter() - start)
    check_is_same(found["ours"], found["peer"])
    ratio = min(seconds["peer"]) / min(seconds["ours"])
    print(
        f"{count:6}  {found['ours'].iterations:5}  {found['ours'].mask.mean():8.1%}  "
        f"{min(seconds['ours']):9.3f}  {min(seconds['peer']):9.3f}  {ratio:6.1f}×",
        flush=True,
    )
    return ratio


def main() -> None:
    """Run all contests; exits with an error if values differ or the bar is missed."""
    SimpleITK.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    print(f"{'raters':>6}  {'steps':>5}  {'labelled':>8}  {'ours, s':>9}  {'SimpleITK':>9}  {'ratio':>7}")
    least = min(run_contest(count) for count in (3, 5, 7))
    print(f"No voxel differs. Least ratio {least:.1f}, bar {BAR:.0f}.")
    if least < BAR:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
