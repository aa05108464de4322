"""What an evaluation of relabelling finds: the numbers behind the table, the curves and the comparison of methods."""

from typing import Literal, TypeAlias

from overread.evaluation.results import Estimate, Interval
from overread.evaluation.skill import Skill
from overread.labels.relabel_rules.names import RuleName
from overread.records import Result

AS_GIVEN = "as-given"
"""Name of the noise where the labels of a source are repaired as they are."""

DICE_COLUMNS = (
    "noise",
    "correction",
    "method",
    "fold",
    "repeat",
    "case_id",
    "subject_id",
    "clean_dice",
    "noisy_dice",
)
"""Columns of the per-case table `dice.csv`: one row per noise, correction, method, repeat and held-out case.

`clean_dice` and `noisy_dice` compare the prediction of the network with the clean and with the equally noisy mask of
the case (D_clean and D_noisy of Redekop and Chernyavskiy 2021, table 1); `clean_dice` is empty where the case has no
clean mask. `method` is empty unless the correction is `relabel`. The network that learnt clean labels has the
correction `clean`, an empty noise and an empty `noisy_dice`. Each case is held out in one fold, once per repeat; where
a training failed, its rows are missing.
"""

LABEL_COLUMNS = (
    "noise",
    "method",
    "labels",
    "fold",
    "repeat",
    "case_id",
    "subject_id",
    "before_dice",
    "after_dice",
    "changed_share",
    "is_kept",
)
"""Columns of the table `labels.csv`: one row per relabelled mask.

`labels` is `training` for the masks with which the network of a fold and repeat goes on, and `source` for those of the
new source, which have neither. `before_dice` and `after_dice` compare the noisy and the relabelled mask with the clean
one; they are empty where the case has none. `changed_share` is that of the labelled voxels, infinite for an empty mask
that would gain some; `is_kept` says that too much would have changed, so that the mask is the noisy one.
"""

Correction: TypeAlias = Literal["clean", "none", "reweight", "relabel"]
Outcome: TypeAlias = Literal[
    "gained", "lost", "no difference that matters", "cannot tell", "learnt too little", "unknown"
]
"""Of a gain, see `judge`; unknown where there is none."""


class NoisyLabels(Result):
    """A label set that is to be repaired.

    Attributes:
        name: of the noise, `polygon-3`, `polygon-7-smooth`, `natural-0.90` or AS_GIVEN.
        source: the source of the study that holds the noisy masks.
    """

    name: str
    source: str


class RelabelledSource(Result):
    """The new source that relabelling left.

    Attributes:
        name: of the source.
        noise: which labels were repaired.
        method: how uncertainty was estimated.
        threshold: on the mean uncertainty of the networks that learnt a case, over folds and repeats.
        change: what was done to every mask, in a few words.
        stopped: why no mask was changed at all; empty where nothing spoke against it.
        kept_case_ids: cases whose masks were left alone, because too much would have changed.
        digest: SHA-256 over the masks.
    """

    name: str
    noise: str
    method: str
    threshold: float
    change: str
    stopped: str
    kept_case_ids: tuple[str, ...]
    digest: str


class WatchedEpoch(Result):
    """One epoch of a training that was watched.

    Attributes:
        epoch: counted from 1.
        loss: mean over its steps.
        cumulative_uncertainty: ΣU, sum of the aleatoric uncertainty of a training case, mean over the cases; None where
            it was not estimated.
        clean_dice: mean Dice over the validation cases with the clean masks; None where it was not looked at.
        noisy_dice: the same with the noisy masks.
    """

    epoch: int
    loss: float
    cumulative_uncertainty: float | None
    clean_dice: float | None
    noisy_dice: float | None


class WatchedTraining(Result):
    """A training with relabelling.

    Attributes:
        noise: which labels were learnt at first.
        method: how uncertainty was estimated.
        fold: index of the held-out fold.
        repeat: index of the training among those of its kind and fold.
        rule: what chose the epoch: the smallest change of uncertainty, the best Dice with clean labels, or the user.
        chosen_epoch: masks were relabelled with the network of this epoch, and training went on from there.
        threshold: voxels above it changed sides; None where the rule does not look at uncertainty.
        change: what was done to every mask, in a few words.
        clean_label_count: cases whose clean labels chose that change; 0 where none was looked at.
        remark: what a reader should know about it, such as why no mask was changed; empty where there is nothing.
        watched: the epochs before relabelling, those after the chosen one included that were needed to see the minimum.
        continued: the epochs after relabelling.
        training_seconds: wall-clock time of the loops, without the estimation of uncertainty.
        uncertainty_seconds: wall-clock time of the estimation of uncertainty, in all epochs and for relabelling.
        estimate_count: maps that were estimated in that time.
    """

    noise: str
    method: str
    fold: int
    repeat: int
    rule: Literal["uncertainty", "clean", "fixed"]
    chosen_epoch: int
    threshold: float | None
    change: str
    clean_label_count: int
    remark: str
    watched: tuple[WatchedEpoch, ...]
    continued: tuple[WatchedEpoch, ...]
    training_seconds: float
    uncertainty_seconds: float
    estimate_count: int


class PlainTraining(Result):
    """A training without relabelling, for its cost and its curve.

    Attributes:
        noise: which labels were learnt; empty for clean ones.
        correction: clean, none or reweight.
        fold: index of the held-out fold.
        repeat: index of the training among those of its kind and fold.
        training_seconds: wall-clock time of the loop.
        epochs: its epochs; without uncertainty.
    """

    noise: str
    correction: Correction
    fold: int
    repeat: int
    training_seconds: float
    epochs: tuple[WatchedEpoch, ...]


class MissingCorrection(Result):
    """A training that gave no network.

    Attributes:
        noise: which labels it was to learn.
        correction: how they were to be corrected.
        method: how uncertainty was to be estimated; empty unless the correction is relabel.
        fold: index of the held-out fold.
        repeat: index of the training among those of its kind and fold.
        reason: why, in one line.
    """

    noise: str
    correction: Correction
    method: str
    fold: int
    repeat: int
    reason: str


class CorrectionCell(Result):
    """One way of training on one kind of labels.

    Means are over subjects, each with the mean over its cases and over the repeats. The intervals of means are
    descriptive, a bootstrap over subjects; those of gains and of the excess allow for the luck of training too.

    Attributes:
        noise: which labels were learnt; empty for clean ones.
        correction: what was done about them.
        method: how uncertainty was estimated; empty unless the correction is relabel.
        clean: mean Dice with clean masks over held-out cases (D_clean); None where no case has a clean mask.
        noisy: the same with noisy masks (D_noisy); None for the network that learnt clean labels.
        clean_std: sample standard deviation of D_clean over cases; None for fewer than two.
        case_count: held-out cases that were predicted.
        clean_case_count: those with a clean mask.
        gain: D_clean minus that without correction, over the cases that both predicted; None where there is none, and
            for the corrections `clean` and `none`.
        corrected_p: that of the gain, corrected for the number of gains that are judged together (Holm).
        outcome: what the gain says; None for the corrections `clean` and `none`.
        noisy_gain: as the gain, of D_noisy; it is not judged, for a network that stops to follow noisy masks loses it.
        noisy_excess: D_noisy minus D_clean over the cases that have both; above 0 the network follows the noisy masks.
    """

    noise: str
    correction: Correction
    method: str
    clean: Interval | None
    noisy: Interval | None
    clean_std: float | None
    case_count: int
    clean_case_count: int
    gain: Estimate | None
    corrected_p: float | None
    outcome: Outcome | None
    noisy_gain: Estimate | None
    noisy_excess: Estimate | None


class LabelRepair(Result):
    """What relabelling did to the labels themselves.

    It describes these labels, and is no test: its intervals are a bootstrap over subjects. A case that several
    trainings relabelled counts with its means.

    Attributes:
        noise: which labels were repaired.
        method: how uncertainty was estimated.
        labels: the masks that networks went on with, or those of the new source.
        before: mean Dice of the noisy masks with the clean ones; None where no case has a clean mask.
        after: the same of the relabelled masks.
        gain: the difference, over the same cases.
        case_count: cases that were relabelled.
        clean_case_count: those with a clean mask.
        improved_count: cases with a clean mask whose Dice rose.
        worsened_count: cases with a clean mask whose Dice fell.
        kept_count: cases that were left alone, in any training, because too much would have changed.
        changed_share: mean share of the labelled voxels that changed, over the masks that were not left alone and were
            not empty; None where there is none.
    """

    noise: str
    method: str
    labels: Literal["training", "source"]
    before: Interval | None
    after: Interval | None
    gain: Interval | None
    case_count: int
    clean_case_count: int
    improved_count: int
    worsened_count: int
    kept_count: int
    changed_share: float | None


class MethodCost(Result):
    """What a method of estimating uncertainty takes.

    Attributes:
        method: tta, mc_dropout or ensemble.
        seconds_per_estimate: wall-clock time of one map; None where none was estimated.
        training_ratio: time of the training loops as a multiple of that without correction on the same labels, fold
            and repeat, mean over trainings; above 1 where several networks are trained; None where that is missing.
        total_ratio: the same with the estimation of uncertainty.
    """

    method: str
    seconds_per_estimate: float | None
    training_ratio: float | None
    total_ratio: float | None


class RelabelEvaluation(Result):
    """Everything that the report of `relabel` says in numbers.

    Attributes:
        study: name of the study.
        target: the structure outlined.
        source: the source whose labels are repaired, or that noise was added to.
        clean_source: what counts as clean; empty where nothing does.
        noises: labels that were repaired.
        methods: how uncertainty was estimated, the main one first; the others are for comparison, on the first noise.
        rule: how masks are changed.
        folds: rounds of the cross-validation; 1 where the study says which cases are held out.
        repeats: trainings of each kind and fold.
        matters: smallest difference of Dice that is called one.
        skills: by noise, how much the networks without correction have learnt, see `Skill`.
        cells: clean labels first, then every noise with every correction that was tried.
        repairs: per noise and method, training labels and the new source.
        watched: trainings with relabelling.
        plain: all other trainings.
        costs: per method.
        sources: the new sources.
        missing: trainings that gave no network.
        case_ids: all cases considered.
        seed: of the bootstrap.
        confidence: of every interval.
    """

    study: str
    target: str
    source: str
    clean_source: str
    noises: tuple[NoisyLabels, ...]
    methods: tuple[str, ...]
    rule: RuleName
    folds: int
    repeats: int
    matters: float
    skills: dict[str, Skill]
    cells: tuple[CorrectionCell, ...]
    repairs: tuple[LabelRepair, ...]
    watched: tuple[WatchedTraining, ...]
    plain: tuple[PlainTraining, ...]
    costs: tuple[MethodCost, ...]
    sources: tuple[RelabelledSource, ...]
    missing: tuple[MissingCorrection, ...]
    case_ids: tuple[str, ...]
    seed: int
    confidence: float = 0.95

    def find_cell(self, noise: str, correction: Correction, method: str = "") -> CorrectionCell | None:
        """The cell of a way of training; None where it was not tried."""
        wanted = (noise, correction, method)
        return next((cell for cell in self.cells if (cell.noise, cell.correction, cell.method) == wanted), None)

    def find_repair(self, noise: str, method: str, labels: Literal["training", "source"]) -> LabelRepair | None:
        """What relabelling did to labels; None where it was not tried."""
        wanted = (noise, method, labels)
        return next((repair for repair in self.repairs if (repair.noise, repair.method, repair.labels) == wanted), None)
