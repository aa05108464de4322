"""What was trained, when it was relabelled, and what that cost."""

from dataclasses import dataclass

from overread.questions.relabel.page.tables import RULE_TITLES, name_method, name_noise, name_training
from overread.questions.relabel.results import (
    CorrectionCell,
    LabelRepair,
    MethodCost,
    RelabelEvaluation,
    WatchedTraining,
)
from overread.report.formatting import (
    ABSENT,
    NO_BREAK,
    format_dice,
    format_duration,
    format_interval,
    format_number,
    shorten_digest,
)
from overread.report.table import Cell, Column, Table


@dataclass(frozen=True)
class MethodRow:
    """One way of estimating uncertainty on the first noise.

    Attributes:
        method: tta, mc_dropout or ensemble.
        cell: its networks; None where none was planned.
        repair: the masks that its networks went on with; None where there are none.
        epochs: chosen epochs, in the order of repeats and folds.
        changes: what was done to masks, in a few words, each once.
        cost: its time.
    """

    method: str
    cell: CorrectionCell | None
    repair: LabelRepair | None
    epochs: tuple[int, ...]
    changes: tuple[str, ...]
    cost: MethodCost


def build_method_rows(evaluation: RelabelEvaluation) -> list[MethodRow]:
    """One row per way of estimating uncertainty, on the first noise."""
    noise = evaluation.noises[0].name
    rows = []
    for cost in evaluation.costs:
        watched = list_watched(evaluation, noise, cost.method)
        rows.append(
            MethodRow(
                method=cost.method,
                cell=evaluation.find_cell(noise, "relabel", cost.method),
                repair=evaluation.find_repair(noise, cost.method, "training"),
                epochs=tuple(training.chosen_epoch for training in watched),
                changes=tuple(dict.fromkeys(training.change for training in watched)),
                cost=cost,
            )
        )
    return rows


def list_watched(evaluation: RelabelEvaluation, noise: str, method: str) -> list[WatchedTraining]:
    """The trainings with relabelling of one noise and method, by repeat and fold."""
    found = [training for training in evaluation.watched if (training.noise, training.method) == (noise, method)]
    return sorted(found, key=lambda training: (training.repeat, training.fold))


def find_best_epoch(evaluation: RelabelEvaluation, training: WatchedTraining) -> int | None:
    """The epoch without correction after which the validation Dice with clean labels was best; None if not known.

    That of the training of the same fold and repeat, which began from other weights; the first of equal ones.
    """
    wanted = (training.noise, "none", training.fold, training.repeat)
    for plain in evaluation.plain:
        if (plain.noise, plain.correction, plain.fold, plain.repeat) == wanted:
            known = [(-epoch.clean_dice, epoch.epoch) for epoch in plain.epochs if epoch.clean_dice is not None]
            return min(known)[1] if known else None
    return None


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


def build_watched_table(evaluation: RelabelEvaluation) -> Table:
    """Chosen epoch and change of every training with relabelling."""
    return Table(
        label="Chosen epochs and changes",
        columns=[
            "Labels",
            "Uncertainty by",
            Column("Fold", "number"),
            Column("Repeat", "number"),
            "Chosen by",
            Column("Chosen epoch", "number"),
            Column("Best clean epoch", "number"),
            Column("Epochs watched", "number"),
            "Change",
            Column("Clean cases looked at", "number"),
            Column("Epochs after", "number"),
            "Remark",
        ],
        rows=[
            _describe_watched(evaluation, training)
            for noise in evaluation.noises
            for method in evaluation.methods
            for training in list_watched(evaluation, noise.name, method)
        ],
        style="dense results",
    )


def _describe_watched(evaluation: RelabelEvaluation, training: WatchedTraining) -> list[str]:
    best = find_best_epoch(evaluation, training)
    return [
        name_noise(training.noise),
        name_method(training.method),
        str(training.fold),
        str(training.repeat),
        RULE_TITLES[training.rule],
        str(training.chosen_epoch),
        ABSENT if best is None else str(best),
        str(len(training.watched)),
        training.change,
        str(training.clean_label_count),
        str(len(training.continued)),
        training.remark or ABSENT,
    ]


def build_method_table(evaluation: RelabelEvaluation) -> Table:
    """Dice, choices and cost of every way of estimating uncertainty, on the first noise."""
    return Table(
        label="Ways of estimating uncertainty",
        columns=[
            "Uncertainty by",
            f"D_{{clean}}{NO_BREAK}/{NO_BREAK}D_{{noisy}}",
            "Gain over no correction",
            "Outcome",
            "Label Dice after",
            "Chosen epochs",
            "Change",
            Column("Seconds a map", "number"),
            Column("Training / in all", "number"),
        ],
        rows=[_describe_method(row) for row in build_method_rows(evaluation)],
        style="results",
    )


def _describe_method(row: MethodRow) -> list[str]:
    after = row.repair.after if row.repair else None
    return [
        name_method(row.method),
        _show_pair(row.cell),
        format_interval(row.cell.gain if row.cell else None),
        (row.cell.outcome if row.cell else None) or ABSENT,
        format_dice(after.estimate if after else None),
        ", ".join(map(str, row.epochs)) or ABSENT,
        "; ".join(row.changes) or ABSENT,
        format_number(row.cost.seconds_per_estimate, 2),
        f"{_show_ratio(row.cost.training_ratio)} / {_show_ratio(row.cost.total_ratio)}",
    ]


def _show_pair(cell: CorrectionCell | None) -> str:
    if cell is None or not cell.case_count:
        return "missing"
    return " / ".join(format_dice(dice.estimate if dice else None) for dice in (cell.clean, cell.noisy))


def _show_ratio(ratio: float | None) -> str:
    return ABSENT if ratio is None else f"{format_number(ratio, 1)} ×"


def build_source_table(evaluation: RelabelEvaluation) -> Table:
    """The new sources that relabelling left."""
    source_of = {noise.name: noise.source for noise in evaluation.noises}
    return Table(
        label="New sources",
        columns=[
            "Source",
            "Repaired from",
            "Uncertainty by",
            "Change",
            "Left alone",
            "Digest of the masks",
        ],
        rows=[
            [
                one.name,
                source_of[one.noise],
                name_method(one.method),
                f"stopped: {one.stopped}" if one.stopped else one.change,
                Cell(kind="cases", case_ids=one.kept_case_ids),
                Cell(shorten_digest(one.digest), "code"),
            ]
            for one in evaluation.sources
        ],
    )


def build_training_table(evaluation: RelabelEvaluation) -> Table:
    """One row per way of training."""
    return Table(
        label="Trainings",
        columns=[
            "What was done",
            Column("Trainings", "number"),
            Column("Epochs", "number"),
            Column("Training time", "number"),
            Column("Estimation of uncertainty", "number"),
        ],
        rows=[_describe_group(group) for group in sum_up_trainings(evaluation)],
        style="results",
    )


def _describe_group(group: TrainingGroup) -> list[str]:
    planned = f" of {group.count + group.missing_count}" if group.missing_count else ""
    return [
        name_training(group.noise, group.correction, group.method),
        f"{group.count}{planned}",
        "–".join(dict.fromkeys(map(str, group.epochs))) if group.epochs else ABSENT,
        format_duration(group.training_seconds) if group.count else ABSENT,
        format_duration(group.uncertainty_seconds) if group.method and group.count else ABSENT,
    ]
