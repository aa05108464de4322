"""Step: compare the networks of `label-noise` with the clean labels of their held-out cases."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from overread.evaluation.skill import Skill, average_skills, measure_skill
from overread.labels.variant_record import CONTROL
from overread.questions.label_noise.results import DICE_COLUMNS, LabelNoiseEvaluation, MissingTraining
from overread.runs.fingerprint import name_result
from overread.runs.label_variants import LabelVariants
from overread.runs.plan import TrainingPlan, name_best_threshold, name_predictions
from overread.runs.reuse import finish_result
from overread.runs.threshold_record import read_best_thresholds
from overread.study.digest import compute_folder_digest
from overread.study.label_set import LabelSet
from overread.study.study import Study, compute_load
from overread.training.result import TrainingFailure
from overread.types import Mask, Spacing

if TYPE_CHECKING:
    from pandas import DataFrame

EVALUATION_FILE = "evaluation.json"
DICE_FILE = "dice.csv"


def run(
    study_folder: Path,
    plan_file: Path,
    variants_file: Path,
    predictions_folder: Path,
    failures: Sequence[TrainingFailure],
    *,
    output: Path,
    store: str,
) -> LabelNoiseEvaluation:
    """Write the evaluation and the Dice of every held-out case into `output`.

    Args:
        study_folder: the study with its variants.
        plan_file: the plan.
        variants_file: what the networks were trained on.
        predictions_folder: held-out predictions.
        failures: the trainings that left no network.
        output: gets `evaluation.json` and `dice.csv`.
        store: where finished evaluations are kept.
    """
    plan, variants = TrainingPlan.read(plan_file), LabelVariants.read(variants_file)
    parts = {
        "data": plan.study_digest,
        "predictions": compute_folder_digest(predictions_folder),
        "variants": variants.model_dump(mode="json"),
        "failures": [failure.model_dump(mode="json") for failure in failures],
        "matters": plan.preset.matters.dice,
    }
    key = f"evaluations/{name_result('noise-evaluation', made_by=__name__, parts=parts)}"
    finish_result(
        store,
        key,
        output,
        lambda: _evaluate(Study.open(study_folder), plan, variants, predictions_folder, failures, output),
    )
    return read_noise_evaluation(output)


def read_noise_evaluation(folder: Path) -> LabelNoiseEvaluation:
    """Read the evaluation that `run` wrote."""
    return LabelNoiseEvaluation.read(folder / EVALUATION_FILE)


def read_dice(folder: Path) -> "DataFrame":
    """Read the Dice of every held-out case, DICE_COLUMNS."""
    import pandas as pd

    return pd.read_csv(folder / DICE_FILE, dtype={"case_id": str, "subject_id": str})


def list_dice(evaluation: LabelNoiseEvaluation) -> dict[str, float]:
    """Mean Dice of every network on every variant, by a readable name."""
    return {
        f"{cell.network} on {cell.variant}": round(cell.mean.estimate, 4)
        for cell in evaluation.cells
        if cell.mean is not None
    }


def _evaluate(
    study: Study,
    plan: TrainingPlan,
    variants: LabelVariants,
    predictions_folder: Path,
    failures: Sequence[TrainingFailure],
    output: Path,
) -> None:
    import pandas as pd

    from overread.questions.label_noise.evaluation import NoiseDesign, summarise_label_noise

    dice = pd.DataFrame(_compare(study, plan, variants, predictions_folder), columns=list(DICE_COLUMNS))
    design = NoiseDesign(
        source=variants.source,
        variants=variants.variants,
        networks=tuple(dict.fromkeys(job.network for job in plan.jobs)),
        redraw=variants.redraw,
        folds=plan.folds,
        repeats=plan.repeats,
    )
    evaluation = summarise_label_noise(
        dice,
        study=study,
        design=design,
        skills=_measure_skills(study, plan, variants, predictions_folder),
        missing=_list_missing(variants, failures),
        matters=plan.preset.matters.dice,
    )
    evaluation.write(output / EVALUATION_FILE)
    dice.to_csv(output / DICE_FILE, index=False, lineterminator="\n")


def _compare(
    study: Study, plan: TrainingPlan, variants: LabelVariants, predictions_folder: Path
) -> Iterator[tuple[str | int | float, ...]]:
    """The rows of the table, DICE_COLUMNS."""
    variant_of = {variants.name_labels(variant.name): variant.name for variant in variants.variants}
    clean, thresholds = study.labels(variants.source), read_best_thresholds(predictions_folder)
    for job in plan.jobs:
        name = name_predictions(job)
        predicted, best = (
            LabelSet(each, predictions_folder / each, study.suffix) for each in (name, name_best_threshold(name))
        )
        for case_id in predicted.select_labelled(job.test_cases):
            place = (job.network, variant_of[job.labels], job.repeat, case_id, study.subject_of[case_id], job.fold)
            masks = clean.read(case_id), predicted.read(case_id), best.read(case_id)
            yield *place, *_score(*masks, threshold=thresholds[job.name], spacing=study.read_spacing(case_id))


def _score(
    true: Mask, predicted: Mask, best: Mask, *, threshold: float, spacing: Spacing
) -> tuple[float, float, float, float, float]:
    """The numbers of a row, in the order of DICE_COLUMNS."""
    from overread.evaluation.overlap import compute_dice

    loads = compute_load(predicted, spacing), compute_load(true, spacing)
    return compute_dice(true, predicted), threshold, compute_dice(true, best), *loads


def _measure_skills(
    study: Study, plan: TrainingPlan, variants: LabelVariants, predictions_folder: Path
) -> dict[str, Skill]:
    """Skill of the networks that learnt the clean labels, by architecture: the mean over the repeats."""
    clean, control = study.labels(variants.source), variants.name_labels(CONTROL)
    found: dict[str, dict[str, Skill]] = {}
    for job in plan.jobs:
        name = name_predictions(job)
        of_network = found.setdefault(job.network, {})
        predicted = LabelSet(name, predictions_folder / name, study.suffix)
        if job.labels == control and name not in of_network and predicted.select_labelled(study.case_ids):
            of_network[name] = measure_skill(clean, predicted, case_ids=study.case_ids, subject_of=study.subject_of)
    return {network: average_skills(list(skills.values())) for network, skills in found.items() if skills}


def _list_missing(variants: LabelVariants, failures: Sequence[TrainingFailure]) -> tuple[MissingTraining, ...]:
    """The trainings that left no network, as the evaluation lists them."""
    variant_of = {variants.name_labels(variant.name): variant.name for variant in variants.variants}
    return tuple(
        MissingTraining(
            network=failure.job.network,
            variant=variant_of[failure.job.labels],
            fold=failure.job.fold,
            repeat=failure.job.repeat,
            reason=failure.reason,
        )
        for failure in failures
    )
