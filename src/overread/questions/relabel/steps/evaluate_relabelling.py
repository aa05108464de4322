"""Step: compare the networks of `relabel`, and the labels that it repaired, with clean and with noisy labels."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from overread.questions.relabel.results import DICE_COLUMNS, LABEL_COLUMNS, RelabelEvaluation
from overread.questions.relabel.steps.comparison import (
    CorrectionResults,
    compare_predictions,
    compare_sources,
    compare_training_labels,
    measure_skills,
)
from overread.questions.relabel.steps.design import CorrectionDesign, describe_results
from overread.questions.relabel.steps.make_relabelled_sources import RelabelledSources
from overread.runs.fingerprint import name_result
from overread.runs.label_variants import LabelVariants
from overread.runs.plan import TrainingPlan
from overread.runs.reuse import finish_result
from overread.study.study import Study
from overread.training.result import TrainingFailure, TrainingResult

if TYPE_CHECKING:
    from pandas import DataFrame

EVALUATION_FILE, DICE_FILE, LABELS_FILE = "evaluation.json", "dice.csv", "labels.csv"


@dataclass(frozen=True)
class InputFiles:
    """What the steps before have written.

    Attributes:
        plan: the plan.
        variants: the labels that were repaired.
        sources: the relabelled sources.
    """

    plan: Path
    variants: Path
    sources: Path


def run(
    study_folder: Path,
    files: InputFiles,
    networks: Sequence[Path],
    *,
    predictions_folder: Path,
    failures: Sequence[TrainingFailure],
    output: Path,
    store: str,
) -> RelabelEvaluation:
    """Write the evaluation, the Dice of every held-out case and of every relabelled mask into `output`.

    Args:
        study_folder: the study with the noisy and the relabelled sources.
        files: plan, labels and sources.
        networks: folders of the trainings.
        predictions_folder: held-out predictions.
        failures: the trainings that left no network.
        output: gets `evaluation.json`, `dice.csv` and `labels.csv`.
        store: where finished evaluations are kept.
    """
    results = CorrectionResults(
        CorrectionDesign(TrainingPlan.read(files.plan), LabelVariants.read(files.variants)),
        RelabelledSources.read(files.sources),
        {TrainingResult.read(folder).job.name: folder for folder in networks},
        predictions_folder,
        tuple(failures),
    )
    key = f"evaluations/{name_result('relabel-evaluation', made_by=__name__, parts=results.list_parts())}"
    finish_result(store, key, output, lambda: _evaluate(Study.open(study_folder), results, output))
    return read_relabel_evaluation(output)


def read_relabel_evaluation(folder: Path) -> RelabelEvaluation:
    """Read the evaluation that `run` wrote."""
    return RelabelEvaluation.read(folder / EVALUATION_FILE)


def read_relabelled_masks(folder: Path) -> "DataFrame":
    """Read the table of relabelled masks, LABEL_COLUMNS."""
    import pandas as pd

    text = {"case_id": str, "subject_id": str}
    # Only an empty cell is no value: a case may be called NA.
    frame = pd.read_csv(folder / LABELS_FILE, dtype=text, keep_default_na=False, na_values=[""])
    return frame.astype({"fold": "Int64", "repeat": "Int64"})


def list_clean_dice(evaluation: RelabelEvaluation) -> dict[str, float]:
    """Mean Dice with clean labels of every way of training, by a readable name."""
    return {
        " ".join(filter(None, (cell.noise, cell.correction, cell.method))): round(cell.clean.estimate, 4)
        for cell in evaluation.cells
        if cell.clean is not None
    }


def _evaluate(study: Study, results: CorrectionResults, output: Path) -> None:
    import pandas as pd

    from overread.questions.relabel.evaluation import summarise_relabelling

    dice = pd.DataFrame(compare_predictions(study, results), columns=list(DICE_COLUMNS))
    labels = pd.DataFrame(
        [*compare_training_labels(study, results), *compare_sources(study, results)], columns=list(LABEL_COLUMNS)
    )
    evaluation = summarise_relabelling(
        dice,
        labels,
        study=study,
        design=describe_results(results),
        skills=measure_skills(study, results),
        matters=results.design.plan.preset.matters.dice,
        seed=results.design.plan.seed,
    )
    evaluation.write(output / EVALUATION_FILE)
    dice.to_csv(output / DICE_FILE, index=False, lineterminator="\n")
    labels.to_csv(output / LABELS_FILE, index=False, lineterminator="\n")
