"""Step: compare every network and every source with every source."""

from pathlib import Path
from typing import TYPE_CHECKING

from overread.evaluation.results import name_network
from overread.questions.rater_bias.results import CrossEvaluation
from overread.questions.rater_bias.steps.predictions import open_predictions
from overread.questions.rater_bias.steps.telemetry import tell_evaluation
from overread.runs.fingerprint import name_result
from overread.runs.plan import TrainingPlan
from overread.runs.reuse import finish_result
from overread.study.digest import compute_folder_digest
from overread.study.label_set import LabelSet
from overread.study.study import Study

if TYPE_CHECKING:
    from overread.questions.rater_bias.repeat_scores import RepeatMasks

EVALUATION_FILE = "evaluation.json"
COMPARISONS_FILE = "comparisons.csv"
REPEATS_FILE = "repeats.csv"


def run(
    study_folder: Path, plan_file: Path, predictions_folder: Path, *, output: Path, store: str, processes: int
) -> CrossEvaluation:
    """Write the cross-evaluation and its per-case tables into `output`, and tell Prometheus its main figures."""
    plan = TrainingPlan.read(plan_file)
    jobs = [job for job in plan.jobs if not job.added]
    parts = {
        "data": plan.study_digest,
        "predictions": compute_folder_digest(predictions_folder),
        "sources": plan.sources,
        "raters": plan.raters,
        "networks": [[job.source, job.fold, job.repeat, job.test_cases] for job in jobs],
        "matters": plan.preset.matters.model_dump(mode="json"),
        "tolerance": plan.preset.surface_tolerance,
        "seed": plan.seed,
    }
    key = f"evaluations/{name_result('evaluation', made_by=__name__, parts=parts)}"
    finish_result(
        store, key, output, lambda: _evaluate(Study.open(study_folder), plan, predictions_folder, output, processes)
    )
    evaluation = read_evaluation(output)
    tell_evaluation(plan, evaluation, output / COMPARISONS_FILE, store=store)
    return evaluation


def read_evaluation(folder: Path) -> CrossEvaluation:
    """Read what `run` wrote."""
    return CrossEvaluation.read(folder / EVALUATION_FILE)


def list_dice(evaluation: CrossEvaluation) -> dict[str, float]:
    """Mean Dice of every network against every source, by a readable name."""
    names = {name_network(source) for source in evaluation.sources}
    return {
        f"{cell.prediction} against {cell.reference}": round(cell.mean, 4)
        for cell in evaluation.matrix
        if cell.metric == "dice" and cell.prediction in names and cell.reference not in names and cell.mean is not None
    }


def open_repeats(folder: Path, study: Study, plan: TrainingPlan) -> list["RepeatMasks"]:
    """The label sets that `predict_cases` wrote for each repeat of the networks of one source each."""
    from overread.questions.rater_bias.repeat_scores import RepeatMasks

    fold_of: dict[tuple[str, int, str], dict[str, int]] = {}
    for job in plan.jobs:
        if not job.added:
            folds = fold_of.setdefault((job.source, job.repeat, plan.name_scored(job)), {})
            folds |= dict.fromkeys(job.test_cases, job.fold)
    return [
        RepeatMasks(source, repeat, LabelSet(name, folder / name, study.suffix), folds)
        for (source, repeat, name), folds in fold_of.items()
    ]


def _evaluate(study: Study, plan: TrainingPlan, predictions_folder: Path, output: Path, processes: int) -> None:
    from overread.evaluation.table import write_comparisons
    from overread.questions.rater_bias.cross_evaluation import cross_evaluate

    found = cross_evaluate(
        study,
        plan.sources,
        open_predictions(predictions_folder, study, plan.sources),
        open_repeats(predictions_folder, study, plan),
        raters=plan.raters,
        tolerance=plan.preset.surface_tolerance,
        matters=plan.preset.matters,
        seed=plan.seed,
        workers=processes,
    )
    found.evaluation.write(output / EVALUATION_FILE)
    write_comparisons(output / COMPARISONS_FILE, found.comparisons)
    found.scores.to_csv(output / REPEATS_FILE, index=False, lineterminator="\n")
