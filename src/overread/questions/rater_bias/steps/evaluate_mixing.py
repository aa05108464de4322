"""Step: compare networks that learnt labels of two sources with every source."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from overread.evaluation.overlap import compute_dice
from overread.evaluation.results import name_network
from overread.questions.rater_bias.mixing_results import MIXING_COLUMNS, MixingEvaluation
from overread.runs.fingerprint import name_result
from overread.runs.plan import TrainingPlan
from overread.runs.reuse import finish_result
from overread.study.digest import compute_folder_digest
from overread.study.label_set import LabelSet
from overread.study.study import Study
from overread.training.result import TrainingJob

if TYPE_CHECKING:
    from pandas import DataFrame

EVALUATION_FILE, TABLE_FILE = "mixing.json", "mixing.csv"


def run(
    study_folder: Path, plan_file: Path, predictions_folder: Path, *, output: Path, store: str
) -> MixingEvaluation | None:
    """Write the evaluation and the Dice of every held-out case into `output`.

    Returns:
        None, and an empty folder, where the plan mixes no labels.
    """
    plan = TrainingPlan.read(plan_file)
    if not any(job.added for job in plan.jobs):
        output.mkdir(parents=True, exist_ok=True)
        return None
    parts = {
        "data": plan.study_digest,
        "predictions": compute_folder_digest(predictions_folder),
        "jobs": [job.model_dump(mode="json") for job in plan.jobs],
        "sources": plan.sources,
        "seed": plan.seed,
    }
    key = f"evaluations/{name_result('mixing', made_by=__name__, parts=parts)}"
    finish_result(store, key, output, lambda: _evaluate(Study.open(study_folder), plan, predictions_folder, output))
    return read_mixing(output)


def read_mixing(folder: Path) -> MixingEvaluation | None:
    """Read what `run` wrote; None where no labels were mixed."""
    path = folder / EVALUATION_FILE
    return MixingEvaluation.read(path) if path.is_file() else None


def _evaluate(study: Study, plan: TrainingPlan, predictions_folder: Path, output: Path) -> None:
    from overread.questions.rater_bias.mixing import summarise_mixing

    first, second = plan.sources[:2]
    mixed = [job for job in plan.jobs if job.source == first]
    frame = _compare(study, plan, mixed, predictions_folder)
    alone = _compare(study, plan, [job for job in plan.jobs if job.source == second], predictions_folder)
    found = summarise_mixing(
        frame, first=first, second=second, references=plan.sources, second_network=alone, seed=plan.seed
    )
    found.write(output / EVALUATION_FILE)
    frame.to_csv(output / TABLE_FILE, index=False, lineterminator="\n")


def _compare(study: Study, plan: TrainingPlan, jobs: list[TrainingJob], predictions_folder: Path) -> "DataFrame":
    """MIXING_COLUMNS of the networks of some jobs; repeats of a job share their prediction."""
    import pandas as pd

    once = {(job.labels, job.fold): job for job in jobs}.values()
    rows = (row for job in once for row in _compare_job(study, plan, job, predictions_folder))
    return pd.DataFrame(rows, columns=list(MIXING_COLUMNS))


def _compare_job(
    study: Study, plan: TrainingPlan, job: TrainingJob, predictions_folder: Path
) -> Iterator[tuple[float, int, str, str, str, float]]:
    name, added = name_network(job.labels), job.added
    ratio, count = (added.ratio, len(added.cases)) if added else (0.0, 0)
    predicted = LabelSet(name, predictions_folder / name, study.suffix)
    for case_id in predicted.select_labelled(job.test_cases):
        mask = predicted.read(case_id)
        for source in plan.sources:
            labels = study.labels(source)
            if labels.select_labelled([case_id]):
                dice = compute_dice(labels.read(case_id), mask)
                yield ratio, count, source, case_id, study.subject_of[case_id], dice
