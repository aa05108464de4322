"""The table at the end of a local run of `rater-bias`."""

from pathlib import Path

from overread.evaluation.results import name_network
from overread.questions.rater_bias.results import CrossEvaluation
from overread.questions.rater_bias.steps.cross_evaluate import read_evaluation


def summarise(folder: Path) -> list[str]:
    """Mean Dice of every network against every source, and the answer in figures.

    Args:
        folder: outputs of the run.
    """
    evaluation = read_evaluation(folder / "cross_evaluation")
    return [*_tabulate(evaluation), "", *_answer(evaluation)]


def _tabulate(evaluation: CrossEvaluation) -> list[str]:
    cells = {(c.prediction, c.reference): c for c in evaluation.matrix if c.metric == "dice"}
    width = max(18, *(len(name_network(source)) + 2 for source in evaluation.sources))
    lines = ["Dice (mean ± std, n)".ljust(width) + "".join(source.ljust(24) for source in evaluation.sources)]
    for source in evaluation.sources:
        row = name_network(source).ljust(width)
        for reference in evaluation.sources:
            cell = cells[name_network(source), reference]
            text = "–" if cell.mean is None else f"{cell.mean:.3f} ± {cell.std or 0:.3f} ({cell.case_count})"
            row += text.ljust(24)
        lines.append(row)
    return lines


def _answer(evaluation: CrossEvaluation) -> list[str]:
    from overread.questions.rater_bias.page.wording import word_answer
    from overread.report.formatting import NO_BREAK
    from overread.report.judgement import Advice

    answer = word_answer(evaluation, advice=Advice(trainings="10 trainings per rater"))
    lines = [answer.sentence.replace(NO_BREAK, " ")]
    if evaluation.verdict != "learnt too little" and (gap := evaluation.dice_gap) is not None:
        interval = f"95 % interval {gap.low:+.3f} to {gap.high:+.3f}" if gap.is_valid else "no valid interval"
        lines.append(
            f"own minus other rater: {gap.estimate:+.3f} Dice ({interval}), "
            f"{gap.subject_count} subjects, folds={gap.fold_count} repeats={gap.repeat_count}"
        )
    for pair in evaluation.pairs:
        raters, networks = pair.source_order, pair.network_order
        lines.append(
            f"load of {pair.first} below {pair.second}: raters {raters.below}/{raters.case_count}, "
            f"networks {networks.below}/{networks.case_count} cases; effect of training: {pair.effect}"
        )
    for source, dice in evaluation.rater_dice.items():
        lines.append(
            f"{name_network(source)} with all raters: Dice {dice.estimate:.3f} "
            f"[{dice.low:.3f}, {dice.high:.3f}, subjects only]"
        )
    return [*lines, *_list_gains(evaluation)]


def _list_gains(evaluation: CrossEvaluation) -> list[str]:
    words = {"yes": "better", "the wrong way round": "worse"}
    return [
        f"network of {one.consensus} against that of {one.rater}, Dice with all raters: {one.gain.estimate:+.3f}, "
        f"{words.get(one.verdict, one.verdict)}"
        for one in evaluation.consensus_gains
    ]
