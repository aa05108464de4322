"""Step: compare networks that learnt labels of two sources with every source."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from overread.evaluation.overlap import compute_dice
from overread.evaluation.skill import Skill, measure_skill
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

_Row: TypeAlias = tuple[float, int, str, str, str, int, int, float]


def run(
    study_folder: Path,
    plan_file: Path,
    predictions_folder: Path,
    *,
    output: Path,
    store: str,
) -> MixingEvaluation | None:
    """Write the evaluation and the Dice of every held-out case, by each repeat's network alone, into `output`.

    Args:
        study_folder: the study.
        plan_file: the plan.
        predictions_folder: held-out predictions, as `predict_cases` wrote them.
        output: gets `mixing.json` and `mixing.csv`.
        store: address of the result store.

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
        "matters": plan.preset.matters.dice,
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
        frame,
        first=first,
        second=second,
        references=plan.sources,
        second_network=alone,
        skills=_measure_skills(study, plan, predictions_folder, frame, alone),
        matters=plan.preset.matters.dice,
    )
    found.write(output / EVALUATION_FILE)
    frame.to_csv(output / TABLE_FILE, index=False, lineterminator="\n")


def _compare(study: Study, plan: TrainingPlan, jobs: Sequence[TrainingJob], predictions_folder: Path) -> "DataFrame":
    """MIXING_COLUMNS of the networks of some jobs."""
    import pandas as pd

    rows = (row for job in jobs for row in _compare_job(study, plan, job, predictions_folder))
    return pd.DataFrame(rows, columns=list(MIXING_COLUMNS))


def _compare_job(study: Study, plan: TrainingPlan, job: TrainingJob, predictions_folder: Path) -> Iterator[_Row]:
    name, added = plan.name_scored(job), job.added
    ratio, count = (added.ratio, len(added.cases)) if added else (0.0, 0)
    predicted = LabelSet(name, predictions_folder / name, study.suffix)
    for case_id in predicted.select_labelled(job.test_cases):
        mask = predicted.read(case_id)
        for source in plan.sources:
            labels = study.labels(source)
            if labels.select_labelled([case_id]):
                dice, subject = compute_dice(labels.read(case_id), mask), study.subject_of[case_id]
                yield ratio, count, source, case_id, subject, job.fold, job.repeat, dice


def _measure_skills(
    study: Study, plan: TrainingPlan, predictions_folder: Path, frame: "DataFrame", alone: "DataFrame"
) -> dict[str, Skill]:
    """How well the networks compared have learnt their source; of the first one, those of mixed labels included.

    Their Dice is the mean over all repeats, that of a guess is taken from the masks of the first repeat.
    """
    first, second = plan.sources[:2]
    agreement, top = _compute_agreement(study, first, second), float(frame["ratio"].max())
    found: dict[str, Skill] = {}
    for source, ratio, rows in ((first, 0.0, frame), (first, top, frame), (second, 0.0, alone)):
        own = rows.loc[(rows["ratio"] == ratio) & (rows["reference"] == source), "dice"]
        masks = _open_first_repeat(study, plan, predictions_folder, source, ratio)
        guessed = measure_skill(
            study.labels(source), masks, case_ids=study.case_ids, subject_of=study.subject_of, raters=agreement
        )
        skill = guessed.model_copy(update={"own": float(own.mean())})
        found[source] = min(found.get(source, skill), skill, key=lambda one: one.value)
    return found


def _open_first_repeat(
    study: Study, plan: TrainingPlan, predictions_folder: Path, source: str, ratio: float
) -> LabelSet:
    """The held-out masks of the first repeat of the networks of a source and a ratio."""
    of_source = (job for job in plan.jobs if job.source == source and job.repeat == 0)
    job = next(job for job in of_source if (job.added.ratio if job.added else 0.0) == ratio)
    name = plan.name_scored(job)
    return LabelSet(name, predictions_folder / name, study.suffix)


def _compute_agreement(study: Study, first: str, second: str) -> float | None:
    """Mean Dice of two sources with each other; None where they have no case in common."""
    ours, theirs = study.labels(first), study.labels(second)
    common = theirs.select_labelled(ours.select_labelled(study.case_ids))
    if not common:
        return None
    return sum(compute_dice(ours.read(case_id), theirs.read(case_id)) for case_id in common) / len(common)
