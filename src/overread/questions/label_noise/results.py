"""What an evaluation of imperfect labels finds: the numbers behind the curve, the table and the findings."""

from typing import Literal, TypeAlias

from overread.evaluation.results import Estimate
from overread.evaluation.skill import Skill
from overread.evaluation.verdict import Verdict
from overread.labels.variant_record import LabelVariant, Redraw
from overread.records import Result

ALL_NETWORKS = "all"
"""Stands in the place of a network's name where a number is the mean over the networks."""

DICE_COLUMNS = (
    "network",
    "variant",
    "repeat",
    "case_id",
    "subject_id",
    "fold",
    "dice",
    "best_threshold",
    "best_dice",
    "predicted_load",
    "true_load",
)
"""Columns of the per-case table `dice.csv`: one row per network, variant, repeat and held-out case.

`dice` is that of the network's prediction with the clean source, and the loads are those of these two masks;
`best_dice` is that at `best_threshold`, which is chosen on the clean labels of the training's validation cases. The
variant `control` is the clean source. Each case is held out once per network, variant and repeat, by the same fold;
where a training failed, its rows are missing.
"""

ARCHITECTURE_TITLES = {"unet": "U-Net", "basic_unet": "plain U-Net", "segnet": "SegNet", "fcn32": "FCN-32"}
"""Architectures as they are called in sentences and tables."""

ErrorMode: TypeAlias = str
"""Name of a mode, or `boundary`: the mean of those that move the boundary, or the one of them that was tried."""
FindingVerdict: TypeAlias = Literal["borne out", "contradicted", "undecided", "not tested"]


class MissingTraining(Result):
    """A training that gave no network.

    Attributes:
        network: architecture.
        variant: name of the labels that it was to learn.
        fold: index of the held-out fold.
        repeat: index of the random initialisation.
        reason: why, in one line.
    """

    network: str
    variant: str
    fold: int
    repeat: int
    reason: str


class NoiseDecision(Result):
    """How much a network outlines on the labels of one variant, and its Dice at the threshold best on validation cases.

    Attributes:
        load_ratio: predicted over true load (area in 2D, volume in 3D), the mean over subjects and repeats; None where
            no subject has a true load.
        threshold: the mean over trainings of those chosen.
        mean: Dice at these thresholds.
        loss: Dice of the control minus Dice of the variant, each at its own thresholds; None for the control and
            where they have no case in common.
    """

    load_ratio: Estimate | None
    threshold: float
    mean: Estimate
    loss: Estimate | None


class NoiseCell(Result):
    """One network on the labels of one variant.

    Attributes:
        network: architecture.
        variant: name of the labels learnt.
        mean: Dice over subjects and repeats; None where no case was predicted.
        std: sample standard deviation (N - 1) over cases, each with its mean over repeats; None for fewer than two.
        repeat_std: sample standard deviation of the repeats' means over the cases that every repeat predicted; None for
            fewer than two repeats.
        case_count: the cases that mean and std are taken over.
        training_count: networks that were trained.
        missing_count: trainings that gave no network.
        loss: Dice of the control minus Dice of the variant, over the cases that both predicted; None for the control
            and where there is no such case.
        loss_case_count: the cases that the loss is taken over.
        loss_p_holm: p of the loss, Holm-corrected over all networks and variants; None without a valid interval.
        verdict: whether the variant cost Dice ("yes") or gained it ("the wrong way round"); None without a loss.
        decision: None where nothing was predicted.
    """

    network: str
    variant: str
    mean: Estimate | None
    std: float | None
    repeat_std: float | None
    case_count: int
    training_count: int
    missing_count: int
    loss: Estimate | None
    loss_case_count: int
    loss_p_holm: float | None = None
    verdict: Verdict | None = None
    decision: NoiseDecision | None = None


class NoiseSlope(Result):
    """Change of test Dice per unit of label Dice.

    Ordinary least squares over the control (label Dice 1) and the variants of a mode at their achieved Dice. At 1 the
    test Dice falls as fast as the label Dice, at 0 not at all.

    Attributes:
        network: architecture, or ALL_NETWORKS.
        mode: kind of error.
        slope: None where there are fewer than two different levels or no case has them all.
        variants: the levels, the control first; those without any prediction of the network are left out.
        case_count: the cases that have all levels.
    """

    network: str
    mode: ErrorMode
    slope: Estimate | None
    variants: tuple[str, ...]
    case_count: int


class NoiseCost(Result):
    """What a step of label Dice by one kind of error costs: the step of the evaluation times the slope of all networks.

    Attributes:
        kind: `boundary`, or a mode that does not move the boundary.
        cost: test Dice lost.
        p_holm: p of the cost, Holm-corrected over the kinds; None without a valid interval.
        verdict: "yes" if such errors cost Dice, "the wrong way round" if they gained it.
    """

    kind: ErrorMode
    cost: Estimate
    p_holm: float | None
    verdict: Verdict


class Finding(Result):
    """A finding of Heller et al. (2018), held against the numbers.

    Attributes:
        key: boundary_hurts, random_hurts_less, random_harmless or unet_resists_choppy.
        network: architecture, or ALL_NETWORKS for the mean over the networks; for unet_resists_choppy the one that the
            U-Net is compared with, or ALL_NETWORKS for all of them together.
        claim: the paper's finding as one sentence.
        verdict: by the rule in `overread.questions.label_noise.findings.RULES`.
        evidence: a sentence with the numbers.
    """

    key: str
    network: str
    claim: str
    verdict: FindingVerdict
    evidence: str


class LabelNoiseEvaluation(Result):
    """Everything that the report of `label-noise` says in numbers.

    Attributes:
        study: name of the study.
        target: the structure outlined.
        dimensions: of the masks.
        source: the clean source, which every prediction is compared with.
        redraw: whether a case had one perturbed mask, or a new one in every epoch.
        networks: architectures trained.
        variants: labels learnt, the control among them.
        cells: every network on every variant.
        slopes: every network and mode that was tried.
        pooled_slopes: the mean over the networks that have one, per mode and for boundary errors, over the cases that
            all of these have.
        best_threshold_slopes: the same of Dice at the thresholds that are best on validation cases.
        costs: of each kind of error; empty where the networks learnt too little.
        findings: the paper's findings and what became of them; empty where the networks learnt too little.
        skills: of the control's networks, by architecture; those without one are left out.
        missing: trainings that gave no network.
        case_ids: all cases considered.
        unlabelled_cases: those without a mask of the clean source.
        folds: rounds of the cross-validation; 1 for one split.
        repeats: trainings planned per network, variant and fold.
        step: loss of label Dice in which costs are told.
        matters: smallest difference of Dice that matters.
        run_stds: standard deviation of the mean Dice of a fold from one training to the next, by architecture; empty
            without repeats.
        confidence: of every interval.
    """

    study: str
    target: str
    dimensions: Literal[2, 3]
    source: str
    redraw: Redraw
    networks: tuple[str, ...]
    variants: tuple[LabelVariant, ...]
    cells: tuple[NoiseCell, ...]
    slopes: tuple[NoiseSlope, ...]
    pooled_slopes: tuple[NoiseSlope, ...]
    best_threshold_slopes: tuple[NoiseSlope, ...]
    costs: tuple[NoiseCost, ...]
    findings: tuple[Finding, ...]
    skills: dict[str, Skill]
    missing: tuple[MissingTraining, ...]
    case_ids: tuple[str, ...]
    unlabelled_cases: tuple[str, ...]
    folds: int
    repeats: int
    step: float
    matters: float
    run_stds: dict[str, float]
    confidence: float = 0.95

    @property
    def has_learnt(self) -> bool:
        """Whether the networks of all architectures learnt enough from clean labels that a loss can be seen."""
        return all(skill.has_learnt for skill in self.skills.values())

    @property
    def verdict(self) -> str:
        """The answer in a few words: that of `Verdict` for each kind of error, or once where they agree."""
        if not self.has_learnt:
            return "learnt too little"
        verdicts = dict.fromkeys(cost.verdict for cost in self.costs)
        if len(verdicts) < 2:
            return next(iter(verdicts), "not tested")
        return ", ".join(f"{cost.kind}: {cost.verdict}" for cost in self.costs)

    @property
    def load_name(self) -> str:
        """What a network outlines more or less of."""
        return "volume" if self.dimensions == 3 else "area"

    @property
    def condition_count(self) -> int:
        """Networks times variants that were trained."""
        return sum(cell.training_count > 0 for cell in self.cells)

    def find_cell(self, network: str, variant: str) -> NoiseCell:
        """The cell of a network and a variant."""
        return next(cell for cell in self.cells if (cell.network, cell.variant) == (network, variant))

    def find_pooled_slope(self, mode: ErrorMode) -> Estimate | None:
        """The slope of a mode over all networks; None where it was not tried."""
        return next((entry.slope for entry in self.pooled_slopes if entry.mode == mode), None)


def name_architecture(network: str) -> str:
    """An architecture as people call it; its own name where there is no other."""
    return ARCHITECTURE_TITLES.get(network, network)
