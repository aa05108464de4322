"""The table at the end of a local run of `relabel`."""

from pathlib import Path

from overread.evaluation.results import Estimate, Interval
from overread.questions.relabel.evaluation import choose_repair, find_gain, find_outcome
from overread.questions.relabel.results import CorrectionCell, RelabelEvaluation
from overread.questions.relabel.steps.evaluate_relabelling import read_relabel_evaluation

_FIRST_WIDTH, _WIDTH = 34, 26


def summarise(folder: Path) -> list[str]:
    """Dice with clean and with noisy masks of every way of training, and what became of labels and networks.

    Args:
        folder: holds what `evaluate_relabelling` wrote.
    """
    return describe_relabelling(read_relabel_evaluation(folder / "relabel_evaluation"))


def describe_relabelling(evaluation: RelabelEvaluation) -> list[str]:
    """The lines of the summary: the table, then per noise the outcome for the network and what became of labels."""
    outcomes = [line for noise in evaluation.noises for line in _tell(evaluation, noise.name)]
    missing = [f"{len(evaluation.missing)} trainings failed"] if evaluation.missing else []
    return [*_tabulate(evaluation), "", *outcomes, *missing]


def _tell(evaluation: RelabelEvaluation, noise: str) -> list[str]:
    repair = choose_repair(evaluation, noise)
    labels = "nothing was relabelled"
    if repair is not None:
        labels = f"label Dice {_show(repair.before)} -> {_show(repair.after)}"
    return [f"network, {noise}: {_tell_outcome(evaluation, noise)}", f"labels, {noise}: {labels}"]


def _tell_outcome(evaluation: RelabelEvaluation, noise: str) -> str:
    outcome, skill = find_outcome(evaluation, noise), evaluation.skills.get(noise)
    if outcome == "learnt too little" and skill is not None:
        return f"{outcome}, Dice {skill.own:.3f}, a mask that ignores the image {skill.guess:.3f}, no verdict"
    return f"{outcome}, {_show_gain(find_gain(evaluation, noise))}"


def _tabulate(evaluation: RelabelEvaluation) -> list[str]:
    rows: dict[str, dict[str, CorrectionCell]] = {}
    for cell in evaluation.cells:
        if cell.correction != "clean":
            rows.setdefault(" ".join(filter(None, (cell.correction, cell.method))), {})[cell.noise] = cell
    names = [noise.name for noise in evaluation.noises]
    head = "Dice with clean / noisy masks".ljust(_FIRST_WIDTH) + "".join(name.ljust(_WIDTH) for name in names)
    lines = [
        title.ljust(_FIRST_WIDTH) + "".join(_show_pair(row.get(name)).ljust(_WIDTH) for name in names)
        for title, row in rows.items()
    ]
    reference = evaluation.find_cell("", "clean")
    learnt_clean = [f"{'clean labels'.ljust(_FIRST_WIDTH)}{_show(reference.clean)}"] if reference else []
    return [line.rstrip() for line in (head, *learnt_clean, *lines)]


def _show_pair(cell: CorrectionCell | None) -> str:
    if cell is None:
        return "-"
    return f"{_show(cell.clean)} / {_show(cell.noisy)}" if cell.case_count else "missing"


def _show(interval: Interval | None) -> str:
    return "unknown" if interval is None else f"{interval.estimate:.3f}"


def _show_gain(gain: Estimate | None) -> str:
    if gain is None:
        return "gain unknown"
    if not gain.is_valid:
        return f"gain {gain.estimate:.3f}, no valid interval ({gain.obstacle})"
    return f"gain {gain.estimate:.3f} [{gain.low:.3f}, {gain.high:.3f}]"
