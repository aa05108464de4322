"""Four metrics of two masks: ours against MONAI's four calls and DeepMind's surface-distance package, in one run.

    OMP_NUM_THREADS=1 python -m benchmarks.metrics

Every tool runs on one thread, in turn within each round; the table shows the faster round. Masks are converted
to each tool's own type beforehand. Our values and MONAI's must be equal, or the run fails; DeepMind's package measures
surface elements between voxels instead of counting voxels, so its values differ by definition.
"""

import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import surface_distance
import torch
from monai.metrics import (
    DiceMetric,
    compute_average_surface_distance,
    compute_hausdorff_distance,
    compute_surface_dice,
)

from overread.evaluation.case_metrics import compare_outlined, compute_case_metrics, outline_masks
from overread.types import Mask

BRAIN = (181, 217, 181)
SPACING = (1.0, 1.0, 1.0)
TOLERANCE = 1.0
ROUNDS = 2
BAR = 5.0

Values = list[float]
Tool = Callable[[], Values]


@dataclass(frozen=True)
class Contest:
    """The same masks for three tools; each returns Dice, surface Dice, HD95 and ASSD of every pair."""

    name: str
    ours: Tool
    monai: Tool
    deepmind: Tool


def draw_ellipsoid(shape: tuple[int, ...], centre: tuple[float, ...], radii: tuple[float, ...]) -> Mask:
    axes = zip(np.ogrid[tuple(slice(0, size) for size in shape)], centre, radii, strict=True)
    return np.asarray(sum(((axis - middle) / radius) ** 2 for axis, middle, radius in axes) <= 1)


def draw_lesions(seed: int, rater: int) -> Mask:
    """Sixty ellipsoids of 1.5 to 9 mm, as one of several raters outlines them: bigger or smaller, some left out."""
    lesions, own = np.random.default_rng(seed), np.random.default_rng([seed, rater])
    mask = np.zeros(BRAIN, np.bool_)
    for _ in range(60):
        centre, radii = lesions.uniform(0.2, 0.8, 3) * BRAIN, lesions.uniform(1.5, 9.0, 3)
        radii = radii * own.uniform(0.8, 1.2)
        if own.random() < 0.9:
            low = np.maximum(np.floor(centre - radii).astype(int), 0)
            high = np.minimum(np.ceil(centre + radii).astype(int) + 1, BRAIN)
            box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
            mask[box] |= draw_ellipsoid(tuple(high - low), tuple(centre - low), tuple(radii))
    return mask


def draw_ragged(seed: int) -> Mask:
    return np.random.default_rng(seed).random((100, 100, 100)) < 0.5


def measure_with_ours(first: Mask, second: Mask) -> Values:
    return list(vars(compute_case_metrics(first, second, spacing=SPACING, tolerance=TOLERANCE)).values())


def measure_case_with_ours(masks: list[Mask]) -> Values:
    outlined = outline_masks(masks, spacing=SPACING)
    pairs = combinations(outlined, 2)
    return [value for a, b in pairs for value in vars(compare_outlined(a, b, tolerance=TOLERANCE)).values()]


def measure_with_monai(first: torch.Tensor, second: torch.Tensor) -> Values:
    found = [
        DiceMetric(include_background=True)(y_pred=second, y=first),
        compute_surface_dice(second, first, [TOLERANCE], include_background=True, spacing=SPACING),
        compute_hausdorff_distance(second, first, include_background=True, percentile=95, spacing=SPACING),
        compute_average_surface_distance(second, first, include_background=True, symmetric=True, spacing=SPACING),
    ]
    return [value.item() for value in found]


def measure_with_deepmind(first: Mask, second: Mask) -> Values:
    distances = surface_distance.compute_surface_distances(first, second, SPACING)
    return [
        surface_distance.compute_dice_coefficient(first, second),
        surface_distance.compute_surface_dice_at_tolerance(distances, TOLERANCE),
        surface_distance.compute_robust_hausdorff(distances, 95),
        *surface_distance.compute_average_surface_distance(distances),
    ]


def make_contest(name: str, masks: list[Mask]) -> Contest:
    batches = [torch.from_numpy(mask)[None, None].float() for mask in masks]
    is_pair = len(masks) == 2
    return Contest(
        name,
        ours=lambda: measure_with_ours(*masks) if is_pair else measure_case_with_ours(masks),
        monai=lambda: [value for a, b in combinations(batches, 2) for value in measure_with_monai(a, b)],
        deepmind=lambda: [value for a, b in combinations(masks, 2) for value in measure_with_deepmind(a, b)],
    )


def time_tools(tools: Mapping[str, Tool]) -> tuple[dict[str, float], dict[str, Values]]:
    """Least seconds and the values of each tool."""
    seconds: dict[str, list[float]] = {name: [] for name in tools}
    values: dict[str, Values] = {}
    for _ in range(ROUNDS):
        for name, tool in tools.items():
            start = time.perf_counter()
            values[name] = tool()
            seconds[name].append(time.perf_counter() - start)
    return {name: min(times) for name, times in seconds.items()}, values


def run_contest(contest: Contest) -> float:
    """Print one row and return how many times faster than MONAI we are."""
    tools = {"ours": contest.ours, "monai": contest.monai, "deepmind": contest.deepmind}
    seconds, values = time_tools(tools)
    np.testing.assert_allclose(values["ours"], values["monai"], rtol=1e-5, atol=1e-5)
    ratios = {name: seconds[name] / seconds["ours"] for name in ("monai", "deepmind")}
    times = "  ".join(f"{seconds[name] * 1000:9.1f}" for name in tools)
    print(f"{contest.name:34}  {times}  {ratios['monai']:8.1f}×  {ratios['deepmind']:8.1f}×", flush=True)
    return ratios["monai"]


def main() -> None:
    """Run all contests; exits with an error if values differ or the bar is missed."""
    warnings.simplefilter("ignore", FutureWarning)
    torch.set_num_threads(1)
    ellipsoids = [
        draw_ellipsoid(BRAIN, (90, 108, 90), (70, 85, 70)),
        draw_ellipsoid(BRAIN, (92, 107, 91), (68, 86, 70)),
    ]
    contests = [
        make_contest("lesions, 181×217×181", [draw_lesions(0, rater) for rater in range(2)]),
        make_contest("ellipsoid, 181×217×181", ellipsoids),
        make_contest("ragged, 100×100×100", [draw_ragged(seed) for seed in range(2)]),
        make_contest("lesions, 4 label sets, 6 pairs", [draw_lesions(0, rater) for rater in range(4)]),
    ]
    print(f"{'milliseconds':34}  {'ours':>9}  {'MONAI':>9}  {'DeepMind':>9}  {'÷ MONAI':>9}  {'÷ DeepMind':>9}")
    slowest = min(run_contest(contest) for contest in contests)
    print(f"Values equal MONAI's. Least ratio to MONAI {slowest:.1f}, bar {BAR:.0f}.")
    if slowest < BAR:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
