"""The rows of the tables, beside the paper's, by the names that a reader knows."""

from dataclasses import dataclass

from overread.evaluation.results import Interval
from overread.questions.relabel.results import (
    AS_GIVEN,
    Correction,
    CorrectionCell,
    LabelRepair,
    MethodCost,
    RelabelEvaluation,
    WatchedTraining,
)
from overread.report.formatting import ABSENT, NO_BREAK, format_dice, format_number, write_interval
from overread.report.palette import shade_cell

METHOD_TITLES = {"tta": "test-time augmentation", "mc_dropout": "MC dropout", "ensemble": "deep ensemble"}
CORRECTION_TITLES = {
    "clean": "Clean labels",
    "none": "No correction",
    "reweight": "Reweighting",
    "relabel": "Relabelling",
}
RULE_TITLES = {
    "uncertainty": "uncertainty",
    "clean": "clean labels",
    "fixed": "the user",
}
OUTCOME_TITLES = {"gained": "better", "lost": "worse", "undecided": "undecided", "unknown": "unknown"}
OUTCOME_MARKS = {"gained": "borne-out", "lost": "contradicted", "undecided": "undecided", "unknown": "not-tested"}
"""Class of the outcome's badge in the page."""


def name_noise(noise: str) -> str:
    """A kind of labels in a sentence."""
    return "the labels as given" if noise == AS_GIVEN else noise


def name_method(method: str) -> str:
    """A way of estimating uncertainty; its own name where there is no other."""
    return METHOD_TITLES.get(method, method)


def name_training(noise: str, correction: str, method: str) -> str:
    """A way of training: "No correction, polygon-3" or "Relabelling (MC dropout), polygon-3"."""
    title = CORRECTION_TITLES[correction] + (f" ({name_method(method)})" if method else "")
    return f"{title}, {name_noise(noise)}" if noise else title


PAPER_PRESET = "redekop2021"
PAPER_NOISES = ("3 vertices", "7 vertices", "smooth")


@dataclass(frozen=True)
class PaperTable:
    """Dice of one of the paper's two datasets.

    Attributes:
        dataset: which one.
        clean: D_clean of the network that learnt clean labels.
        rows: D_clean and D_noisy by correction, in the order of PAPER_NOISES.
    """

    dataset: str
    clean: float
    rows: dict[str, tuple[tuple[float, float], ...]]


PAPER_TABLES = (
    PaperTable(
        "Skin lesions, dermatoscopy",
        0.825,
        {
            "No correction": ((0.579, 0.652), (0.783, 0.802), (0.787, 0.806)),
            "Reweighting": ((0.795, 0.554), (0.807, 0.798), (0.803, 0.793)),
            "Relabelling": ((0.794, 0.493), (0.805, 0.797), (0.815, 0.804)),
        },
    ),
    PaperTable(
        "Liver, CT",
        0.944,
        {
            "No correction": ((0.615, 0.695), (0.853, 0.862), (0.851, 0.863)),
            "Reweighting": ((0.846, 0.621), (0.872, 0.859), (0.872, 0.861)),
            "Relabelling": ((0.722, 0.633), (0.880, 0.871), (0.876, 0.856)),
        },
    ),
)
"""The paper gives percent."""


_CORRECTIONS: tuple[Correction, ...] = ("none", "reweight", "relabel")


@dataclass(frozen=True)
class DicePair:
    """One cell of the table of corrections and noises.

    Attributes:
        numbers: D_clean and D_noisy, or why there are none.
        notes: intervals, gain, number of cases.
        background: shade (#rrggbb), darker for a higher D_clean; empty where there is none.
    """

    numbers: str
    notes: tuple[str, ...]
    background: str = ""


@dataclass(frozen=True)
class MethodRow:
    """One way of estimating uncertainty on the first noise.

    Attributes:
        method: tta, mc_dropout or ensemble.
        cell: its networks; None where none was planned.
        repair: the masks that its networks went on with; None where there are none.
        epochs: chosen epochs, in the order of the folds.
        thresholds: smallest and largest threshold of the networks; None where there is none.
        cost: its time.
    """

    method: str
    cell: CorrectionCell | None
    repair: LabelRepair | None
    epochs: tuple[int, ...]
    thresholds: tuple[float, float] | None
    cost: MethodCost


def build_reference(evaluation: RelabelEvaluation) -> DicePair | None:
    """The cell of the network that learnt clean labels; None where it was not tried."""
    cell = evaluation.find_cell("", "clean")
    return None if cell is None else _build_pair(evaluation, cell)


def build_pair_rows(evaluation: RelabelEvaluation) -> list[tuple[Correction, list[DicePair]]]:
    """One row per correction that was tried, one cell per noise; relabelling with the main method."""
    rows: list[tuple[Correction, list[DicePair]]] = []
    for correction in _CORRECTIONS:
        method = evaluation.methods[0] if correction == "relabel" else ""
        cells = [evaluation.find_cell(noise.name, correction, method) for noise in evaluation.noises]
        if any(cells):
            rows.append((correction, [_build_pair(evaluation, cell) for cell in cells]))
    return rows


def build_method_rows(evaluation: RelabelEvaluation) -> list[MethodRow]:
    """One row per way of estimating uncertainty, on the first noise."""
    noise = evaluation.noises[0].name
    rows = []
    for cost in evaluation.costs:
        watched = list_watched(evaluation, noise, cost.method)
        thresholds = [training.threshold for training in watched]
        rows.append(
            MethodRow(
                method=cost.method,
                cell=evaluation.find_cell(noise, "relabel", cost.method),
                repair=evaluation.find_repair(noise, cost.method, "training"),
                epochs=tuple(training.chosen_epoch for training in watched),
                thresholds=(min(thresholds), max(thresholds)) if thresholds else None,
                cost=cost,
            )
        )
    return rows


def list_watched(evaluation: RelabelEvaluation, noise: str, method: str) -> list[WatchedTraining]:
    """The trainings with relabelling of one noise and method, by fold."""
    found = [training for training in evaluation.watched if (training.noise, training.method) == (noise, method)]
    return sorted(found, key=lambda training: training.fold)


def find_best_epoch(evaluation: RelabelEvaluation, training: WatchedTraining) -> int | None:
    """The epoch without correction after which the validation Dice with clean labels was best; None if not known.

    The first of equal ones.
    """
    for plain in evaluation.plain:
        if (plain.noise, plain.correction, plain.fold) == (training.noise, "none", training.fold):
            known = [(-epoch.clean_dice, epoch.epoch) for epoch in plain.epochs if epoch.clean_dice is not None]
            return min(known)[1] if known else None
    return None


def write_threshold(threshold: float) -> str:
    """Write a threshold on uncertainty, which is below 0.25."""
    return format_number(threshold, 3)


def _build_pair(evaluation: RelabelEvaluation, cell: CorrectionCell | None) -> DicePair:
    if cell is None:
        return DicePair("not tried", ())
    if not cell.case_count:
        return DicePair("missing", _list_reasons(evaluation, cell))
    pairs = [("clean", cell.clean), ("noisy", cell.noisy)]
    notes = [f"{name} {write_interval(interval).bounds}" for name, interval in pairs if interval]
    if cell.correction == "clean" and cell.clean:
        notes = [write_interval(cell.clean).bounds]
    notes += _write_gain(cell)
    notes.append(f"n{NO_BREAK}={NO_BREAK}{cell.case_count}")
    if cell.clean and cell.clean_case_count < cell.case_count:
        notes[-1] += f", {cell.clean_case_count} clean"
    numbers = [format_dice(interval.estimate) if interval else ABSENT for _, interval in pairs]
    return DicePair(
        f"{NO_BREAK}/ ".join(numbers) if cell.correction != "clean" else numbers[0],
        tuple(notes),
        _shade(evaluation, cell.clean),
    )


def _write_gain(cell: CorrectionCell) -> list[str]:
    if cell.correction in ("clean", "none") or cell.clean is None:
        return []
    if cell.gain is None:
        return ["gain unknown: no common case"]
    gain = write_interval(cell.gain)
    return [f"gain {gain.estimate} ({gain.bounds})"]


def _shade(evaluation: RelabelEvaluation, mean: Interval | None) -> str:
    if mean is None:
        return ""
    means = [cell.clean.estimate for cell in evaluation.cells if cell.clean]
    low, high = min(means), max(means)
    return shade_cell((mean.estimate - low) / (high - low) if high > low else 0.0)


def _list_reasons(evaluation: RelabelEvaluation, cell: CorrectionCell) -> tuple[str, ...]:
    key = (cell.noise, cell.correction, cell.method)
    reasons = [entry.reason for entry in evaluation.missing if (entry.noise, entry.correction, entry.method) == key]
    return tuple(dict.fromkeys(reasons)) or ("no prediction",)


@dataclass(frozen=True)
class TrainingGroup:
    """The trainings of one correction on one kind of labels.

    Attributes:
        noise: which labels were learnt at first; empty for clean ones.
        correction: what was done about them.
        method: how uncertainty was estimated; empty unless the correction is relabel.
        count: trainings that gave a network.
        missing_count: trainings that gave none.
        epochs: fewest and most epochs that a network of the end went through; None without a network.
        training_seconds: wall-clock time of the loops.
        uncertainty_seconds: that of the estimation of uncertainty.
    """

    noise: str
    correction: str
    method: str
    count: int
    missing_count: int
    epochs: tuple[int, int] | None
    training_seconds: float
    uncertainty_seconds: float


def sum_up_trainings(evaluation: RelabelEvaluation) -> list[TrainingGroup]:
    """One group per way of training, in the order of the cells."""
    return [_sum_up(evaluation, cell.noise, cell.correction, cell.method) for cell in evaluation.cells]


def _sum_up(evaluation: RelabelEvaluation, noise: str, correction: str, method: str) -> TrainingGroup:
    watched = [one for one in evaluation.watched if (one.noise, "relabel", one.method) == (noise, correction, method)]
    plain = [one for one in evaluation.plain if (one.noise, one.correction) == (noise, correction)]
    epochs = [one.chosen_epoch + len(one.continued) for one in watched] + [len(one.epochs) for one in plain]
    key = (noise, correction, method)
    return TrainingGroup(
        noise=noise,
        correction=correction,
        method=method,
        count=len(epochs),
        missing_count=sum((one.noise, one.correction, one.method) == key for one in evaluation.missing),
        epochs=(min(epochs), max(epochs)) if epochs else None,
        training_seconds=sum([one.training_seconds for one in watched] + [one.training_seconds for one in plain]),
        uncertainty_seconds=sum(one.uncertainty_seconds for one in watched),
    )
