"""Label errors of one 512×512 slice: ours against loops as the paper describes them, in one run.

    OMP_NUM_THREADS=1 python -m benchmarks.perturbations

The peers are straightforward programs of section 3.1 of Heller et al. 2018: natural moves the points of a contour one
by one and fills them with OpenCV, choppy walks along each row that has foreground, random draws a number per voxel with
`np.random.random`, as the authors' program does. Two peers that are written with more care have a row of their own and
no bar. Both sides perturb the same liver-like masks at the same strength with fresh random numbers each time. They take
turns, and the table shows the fastest round. The mean Dice of both must agree within 0.01, or the run fails.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from scipy.interpolate import interp1d

from overread.labels.perturbation import apply_perturbation, calibrate_strength, sample_perturbation
from overread.labels.settings import CONTROL_POINTS, PerturbationSettings, VariantSettings
from overread.types import Mask

SIDE = 512
ROUNDS, SLICES_PER_ROUND = 7, 20
STRENGTHS = {"natural": 7.0, "choppy": 10.0, "random": 0.10}
BARS = {"natural": 20.0, "choppy": 20.0, "random": 4.0}
CALIBRATED_SLICES, CALIBRATION_BAR_SECONDS = 1000, 2.0
LARGEST_GAP = 0.01

Tool = Callable[[Mask, np.random.Generator], Mask]


@dataclass(frozen=True)
class Contest:
    """Two ways to perturb a slice."""

    name: str
    ours: Tool
    peer: Tool


def draw_liver(seed: int) -> Mask:
    """A lobed outline that covers about 7 % of the slice, as the livers of the paper do on average."""
    generator = np.random.default_rng(seed)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    y, x = rows - generator.uniform(220, 290), columns - generator.uniform(180, 240)
    angle, phase = np.arctan2(y, x), generator.uniform(0, 2 * np.pi, 2)
    radius = 76 * (1 + 0.25 * np.cos(angle + phase[0]) + 0.12 * np.cos(3 * angle + phase[1]))
    return np.asarray(np.hypot(y, x) < radius)


def loop_natural(mask: Mask, generator: np.random.Generator) -> Mask:
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    output = np.zeros(mask.shape, np.uint8)
    for contour in contours:
        offsets = generator.normal(0, STRENGTHS["natural"], CONTROL_POINTS)
        wave = interp1d(np.linspace(0, 1, CONTROL_POINTS + 1), np.append(offsets, offsets[0]), kind="cubic")
        centre = contour[:, 0].mean(axis=0)
        for index, point in enumerate(contour[:, 0]):
            ray = point - centre
            length = np.hypot(*ray)
            if length > 0:
                contour[index, 0] = point + ray / length * wave(index / len(contour))
        cv2.fillPoly(output, [contour], 1)
    return output > 0


def loop_choppy(mask: Mask, generator: np.random.Generator) -> Mask:
    output = np.zeros_like(mask)
    columns = np.arange(mask.shape[1])
    counts = mask.sum(axis=1)
    for row in range(mask.shape[0]):
        end, left = 0, counts[row]
        while left:
            start = end
            while not mask[row, start]:
                start += 1
            end = start
            while end < mask.shape[1] and mask[row, end]:
                end += 1
            left -= end - start
            first, last = np.rint(generator.normal(0, STRENGTHS["choppy"], 2))
            output[row] |= np.logical_and(columns >= start + first, columns < end + last)
    return output


def loop_choppy_with_numpy(mask: Mask, generator: np.random.Generator) -> Mask:
    """As `loop_choppy`, but NumPy finds the ends of the runs."""
    output = np.zeros_like(mask)
    for row in np.flatnonzero(mask.any(axis=1)):
        steps = np.diff(mask[row].astype(np.int8), prepend=0, append=0)
        for start, end in zip(np.flatnonzero(steps == 1), np.flatnonzero(steps == -1), strict=True):
            first, last = np.rint(generator.normal(0, STRENGTHS["choppy"], 2)).astype(int)
            output[row, max(start + first, 0) : max(end + last, 0)] = True
    return output


def draw_random_fields(mask: Mask, _: np.random.Generator) -> Mask:
    share, frequency = STRENGTHS["random"], mask.mean()
    labels = mask.astype(np.uint8)
    draws = np.random.random(mask.shape)
    lost = np.logical_and(np.less(draws, share), labels)
    won = np.logical_and(np.less(draws, share * frequency / (1 - frequency)), 1 - labels)
    return np.asarray(labels - lost + won > 0)


def draw_fields_with_a_generator(mask: Mask, generator: np.random.Generator) -> Mask:
    """As `draw_random_fields`, but with NumPy's newer generator and without leaving bool."""
    share, frequency = STRENGTHS["random"], mask.mean()
    draws = generator.random(mask.shape)
    return np.asarray(draws < np.where(mask, share, share * frequency / (1 - frequency))) ^ mask


def perturb_with_ours(mode: str) -> Tool:
    settings = PerturbationSettings.parse({"mode": mode, "strength": STRENGTHS[mode]}, where="benchmark")

    def perturb(mask: Mask, generator: np.random.Generator) -> Mask:
        return apply_perturbation(mask, sample_perturbation(settings, generator), (1.0, 1.0))

    return perturb


def compute_dice(first: Mask, second: Mask) -> float:
    return float(2 * np.count_nonzero(first & second) / (np.count_nonzero(first) + np.count_nonzero(second)))


def run_contest(contest: Contest, masks: list[Mask]) -> float:
    """Print one row and return how many times faster than the peer we are."""
    seconds: dict[str, list[float]] = {"ours": [], "peer": []}
    dice: dict[str, list[float]] = {"ours": [], "peer": []}
    generator = np.random.default_rng(0)
    for _ in range(ROUNDS):
        for name, tool in (("ours", contest.ours), ("peer", contest.peer)):
            start = time.perf_counter()
            perturbed = [tool(mask, generator) for mask in masks]
            seconds[name].append((time.perf_counter() - start) / len(masks))
            dice[name] += [compute_dice(mask, other) for mask, other in zip(masks, perturbed, strict=True)]
    ratios = np.divide(seconds["peer"], seconds["ours"])
    ratio = min(seconds["peer"]) / min(seconds["ours"])
    means = {name: np.mean(values) for name, values in dice.items()}
    print(
        f"{contest.name:24}  {min(seconds['ours']) * 1000:8.3f}  {min(seconds['peer']) * 1000:8.3f}  {ratio:6.1f}×  "
        f"{ratios.min():5.1f}–{ratios.max():5.1f}  {means['ours']:8.4f}  {means['peer']:8.4f}",
        flush=True,
    )
    if abs(means["ours"] - means["peer"]) > LARGEST_GAP:
        raise SystemExit(f"{contest.name}: the two sides make errors of different size")
    return ratio


def time_calibration() -> float:
    """Seconds to calibrate choppy errors on 1000 slices."""
    livers = [draw_liver(seed) for seed in range(100)]
    cases = [(f"{index}", livers[index % 100], (1.0, 1.0)) for index in range(CALIBRATED_SLICES)]
    start = time.perf_counter()
    found = calibrate_strength(cases, VariantSettings(mode="choppy", dice=0.9))
    seconds = time.perf_counter() - start
    print(f"Choppy calibrated on {found.slice_count} slices in {seconds:.2f} s: {found.strength:.2f} px.")
    return seconds


def main() -> None:
    """Run all contests; exits with an error if a bar is missed."""
    cv2.setNumThreads(1)
    masks = [draw_liver(seed) for seed in range(SLICES_PER_ROUND)]
    peers = {"natural": loop_natural, "choppy": loop_choppy, "random": draw_random_fields}
    print(
        f"{'milliseconds a slice':24}  {'ours':>8}  {'peer':>8}  {'ratio':>7}  {'rounds':>11}  {'Dice':>8}  {'peer':>8}"
    )
    ratios = {mode: run_contest(Contest(mode, perturb_with_ours(mode), peer), masks) for mode, peer in peers.items()}
    for mode, name, peer in (
        ("choppy", "choppy, runs by NumPy", loop_choppy_with_numpy),
        ("random", "random, new generator", draw_fields_with_a_generator),
    ):
        run_contest(Contest(name, perturb_with_ours(mode), peer), masks)
    missed = [mode for mode, ratio in ratios.items() if ratio < BARS[mode]]
    print("Bars: " + ", ".join(f"{mode} {bar:.0f}" for mode, bar in BARS.items()) + ".")
    if missed or time_calibration() > CALIBRATION_BAR_SECONDS:
        raise SystemExit(f"bar missed: {', '.join(missed) or 'calibration'}")


if __name__ == "__main__":
    main()
