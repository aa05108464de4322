"""Step: how well the acquisition probes named the class of their held-out cases."""

from pathlib import Path
from typing import TYPE_CHECKING

from overread.evaluation.acquisition_results import AcquisitionEvaluation
from overread.steps.plan_probes import ProbePlan
from overread.steps.train_probes import SCORES_FILE, STACKS_FILE
from overread.study.study import Study

if TYPE_CHECKING:
    from pandas import DataFrame

EVALUATION_FILE = "evaluation.json"


def run(study_folder: Path, plan_file: Path, probes_folder: Path, *, output: Path) -> AcquisitionEvaluation:
    """Write the evaluation into `output`.

    Args:
        study_folder: the study, for its case table.
        plan_file: what `plan_probes` wrote.
        probes_folder: what `train_probes` wrote.
        output: gets `evaluation.json`.
    """
    from overread.evaluation.acquisition import ProbeDesign, summarise_acquisition
    from overread.training.probe_stacks import StackSummary

    plan, study = ProbePlan.read(plan_file), Study.open(study_folder)
    stacks = StackSummary.model_validate_json((probes_folder / STACKS_FILE).read_text(encoding="utf-8"))
    design = ProbeDesign(
        study=plan.study,
        target=plan.target,
        classes=plan.classes,
        matching=plan.matching,
        settings=plan.preset.matching,
        unlabelled_cases=plan.unlabelled_cases,
        single_slice=set(stacks.slice_counts.values()) == {1},
        seed=plan.seed,
    )
    evaluation = summarise_acquisition(read_scores(probes_folder), design, study.cases)
    output.mkdir(parents=True, exist_ok=True)
    (output / EVALUATION_FILE).write_text(evaluation.model_dump_json(indent=1), encoding="utf-8")
    return evaluation


def read_evaluation(folder: Path) -> AcquisitionEvaluation:
    """Read the evaluation that `run` wrote."""
    return AcquisitionEvaluation.model_validate_json((folder / EVALUATION_FILE).read_text(encoding="utf-8"))


def read_scores(folder: Path) -> "DataFrame":
    """Read what every probe said of every package; names such as `007` or `NA` stay text."""
    import pandas as pd

    table = pd.read_csv(folder / SCORES_FILE, dtype=str, keep_default_na=False)
    numbers = [name for name in table.columns if name.startswith("p:")]
    return table.astype({"fold": int, "package": int, **dict.fromkeys(numbers, float)})
