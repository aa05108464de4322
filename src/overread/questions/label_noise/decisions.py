"""Whether a loss of Dice is a moved decision: how much a network outlines, and its Dice at a threshold of its own.

A network that learnt where a structure lies, but asks for too little evidence, outlines too much. Another threshold on
its probabilities makes that good; a loss that is left then is one of what was learnt.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from overread.labels.variant_record import CONTROL, LabelVariant
from overread.questions.label_noise.contrasts import Condition, TrainingScores
from overread.questions.label_noise.results import NoiseDecision, NoiseSlope
from overread.questions.label_noise.scores import CaseScores, arrange_trainings, contrast_loss
from overread.questions.label_noise.slopes import summarise_pooled_slopes

_TRAINING = ["network", "variant", "repeat", "fold"]


@dataclass(frozen=True, eq=False)
class Decisions:
    """What every training outlines, and its Dice at the threshold that is best on its validation cases.

    Attributes:
        load_ratios: predicted load over true load of every held-out subject, totals over its cases; subjects without
            any true load are left out.
        best: Dice of every held-out case at the threshold of its training.
        thresholds: by condition, the mean over trainings.
    """

    load_ratios: TrainingScores
    best: TrainingScores
    thresholds: dict[Condition, float]

    @classmethod
    def build(cls, scores: CaseScores) -> "Decisions":
        """Index them."""
        table = scores.table
        return cls(
            arrange_trainings(compute_load_ratios(table), unit="subject_id", column="load_ratio"),
            arrange_trainings(table, unit="case_id", column="best_dice"),
            _average_thresholds(table),
        )

    def summarise(self, network: str, variant: str) -> NoiseDecision | None:
        """The decisions of a network on a variant; None where it predicted nothing."""
        condition = (network, variant)
        loss = contrast_loss(network, variant) if variant != CONTROL else {}
        mean = self.best.estimate({condition: 1.0})
        if mean is None:
            return None
        return NoiseDecision(
            load_ratio=self.load_ratios.estimate({condition: 1.0}),
            threshold=self.thresholds[condition],
            mean=mean,
            loss=self.best.estimate(loss),
        )

    def summarise_slopes(self, networks: Sequence[str], variants: Sequence[LabelVariant]) -> tuple[NoiseSlope, ...]:
        """The pooled slopes of Dice at the best thresholds."""
        return summarise_pooled_slopes(self.best, networks, variants)


def compute_load_ratios(table: pd.DataFrame) -> pd.DataFrame:
    """Total predicted load over total true load, `load_ratio`, of each subject by each training that holds it out.

    Args:
        table: DICE_COLUMNS.
    """
    totals = table.groupby([*_TRAINING, "subject_id"])[["predicted_load", "true_load"]].sum().reset_index()
    known = totals[totals["true_load"] > 0]
    return known.assign(load_ratio=known["predicted_load"] / known["true_load"])


def _average_thresholds(table: pd.DataFrame) -> dict[Condition, float]:
    by_training = table.groupby(_TRAINING)["best_threshold"].first()
    conditions = by_training.reset_index().groupby(["network", "variant"])
    return {
        (str(network), str(variant)): float(rows["best_threshold"].mean()) for (network, variant), rows in conditions
    }
