"""What each way of estimating uncertainty takes in time."""

from collections.abc import Sequence

from overread.questions.relabel.results import MethodCost, PlainTraining, WatchedTraining


def measure_costs(
    methods: Sequence[str], watched: Sequence[WatchedTraining], plain: Sequence[PlainTraining]
) -> tuple[MethodCost, ...]:
    """Compare trainings with relabelling with those without correction on the same labels and fold.

    Args:
        methods: how uncertainty was estimated.
        watched: trainings with relabelling.
        plain: all other trainings.
    """
    seconds_without = {
        (training.noise, training.fold): training.training_seconds
        for training in plain
        if training.correction == "none" and training.training_seconds > 0
    }
    return tuple(
        _measure(method, [training for training in watched if training.method == method], seconds_without)
        for method in methods
    )


def _measure(
    method: str, watched: Sequence[WatchedTraining], seconds_without: dict[tuple[str, int], float]
) -> MethodCost:
    estimates = sum(training.estimate_count for training in watched)
    pairs = [
        (training, seconds_without[training.noise, training.fold])
        for training in watched
        if (training.noise, training.fold) in seconds_without
    ]
    training_ratios = [training.training_seconds / without for training, without in pairs]
    total_ratios = [(one.training_seconds + one.uncertainty_seconds) / without for one, without in pairs]
    return MethodCost(
        method=method,
        seconds_per_estimate=sum(one.uncertainty_seconds for one in watched) / estimates if estimates else None,
        training_ratio=_average(training_ratios),
        total_ratio=_average(total_ratios),
    )


def _average(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
