"""Step: how well the acquisition probes named the class of their held-out cases."""

from collections.abc import Sequence
from pathlib import Path

from overread.questions.acquisition_bias.results import AcquisitionEvaluation
from overread.questions.acquisition_bias.steps.probe_plan import ProbePlan
from overread.questions.acquisition_bias.steps.probe_results import SCORES_FILE, read_scores, read_stacks
from overread.study.study import Study

EVALUATION_FILE = "evaluation.json"


def run(study_folder: Path, plan_file: Path, probes: Sequence[Path], *, output: Path) -> AcquisitionEvaluation:
    """Write the evaluation, and what all probes say, into `output`.

    Args:
        study_folder: the study, for its case table.
        plan_file: what `plan_probes` wrote.
        probes: folders that `train_probes` wrote.
        output: gets `evaluation.json` and `scores.csv`.
    """
    from overread.questions.acquisition_bias.evaluation import ProbeDesign, summarise_acquisition

    plan, study, scores = ProbePlan.read(plan_file), Study.open(study_folder), read_scores(probes)
    design = ProbeDesign(
        study=plan.study,
        target=plan.target,
        classes=plan.classes,
        matching=plan.matching,
        settings=plan.preset.matching,
        matters=plan.preset.matters,
        unlabelled_cases=plan.unlabelled_cases,
        single_slice=set(read_stacks(probes).slice_counts.values()) == {1},
        seed=plan.seed,
    )
    evaluation = summarise_acquisition(scores, design, study.cases)
    output.mkdir(parents=True, exist_ok=True)
    scores.to_csv(output / SCORES_FILE, index=False, lineterminator="\n")
    evaluation.write(output / EVALUATION_FILE)
    return evaluation


def read_evaluation(folder: Path) -> AcquisitionEvaluation:
    """Read the evaluation that `run` wrote."""
    return AcquisitionEvaluation.read(folder / EVALUATION_FILE)
