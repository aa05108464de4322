"""What was trained in `relabel`, summed up per way of training."""

from dataclasses import dataclass

from overread.questions.relabel.results import RelabelEvaluation


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
