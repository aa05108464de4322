"""The table at the end of a local run of `label-noise`."""

from pathlib import Path

from overread.questions.label_noise.page.wording import word_decision, word_noise_answer
from overread.questions.label_noise.results import (
    ALL_NETWORKS,
    Finding,
    LabelNoiseEvaluation,
    NoiseCell,
    name_architecture,
)
from overread.questions.label_noise.steps.evaluate_noise import read_noise_evaluation
from overread.report.formatting import NO_BREAK

_WIDTH = 28


def summarise(folder: Path) -> list[str]:
    """Mean Dice of every network per label variant and the answer; unless the networks learnt too little, the findings.

    Args:
        folder: outputs of the run.
    """
    evaluation = read_noise_evaluation(folder / "noise_evaluation")
    words = (word_noise_answer(evaluation).sentence, word_decision(evaluation))
    told = [sentence.replace(NO_BREAK, " ") for sentence in words if sentence]
    return [*_tabulate(evaluation), "", *told, *map(_tell, evaluation.findings)]


def _tell(finding: Finding) -> str:
    network = "all networks" if finding.network == ALL_NETWORKS else name_architecture(finding.network)
    return f"{finding.verdict}, {network}: {finding.claim} {finding.evidence}"


def _tabulate(evaluation: LabelNoiseEvaluation) -> list[str]:
    head = "labels (Dice)".ljust(_WIDTH) + "".join(name.ljust(_WIDTH) for name in evaluation.networks)
    rows = [
        f"{variant.name} ({variant.achieved_dice:.3f})".ljust(_WIDTH)
        + "".join(_show(evaluation.find_cell(network, variant.name)).ljust(_WIDTH) for network in evaluation.networks)
        for variant in evaluation.variants
    ]
    return [head, *rows]


def _show(cell: NoiseCell) -> str:
    if cell.mean is None:
        return "missing"
    bounds = f"[{cell.mean.low:.3f}, {cell.mean.high:.3f}]" if cell.mean.is_valid else "(no valid interval)"
    return f"{cell.mean.estimate:.3f} {bounds}"
