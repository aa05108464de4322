"""The files of an analysis of disagreement."""

from pathlib import Path
from typing import TYPE_CHECKING

from overread.questions.crowd_disagreement.results import CrowdEvaluation
from overread.runs.pipeline_run import AnalysisRun

if TYPE_CHECKING:
    from overread.questions.crowd_disagreement.evaluation import CrowdAnalysis

EVALUATION_FILE = "evaluation.json"
CASES_FILE, AUC_FILE, PERMUTED_FILE = "cases.csv", "fold_auc.csv", "permuted_auc.csv"
ORIGIN_FILE = "origin.json"
"""What names the run that asked for the analysis; another run may take the other files from the result store."""


def write_analysis(analysis: "CrowdAnalysis", folder: Path) -> None:
    """Write numbers and tables; files of the same names are replaced."""
    folder.mkdir(parents=True, exist_ok=True)
    tables = {CASES_FILE: analysis.cases, AUC_FILE: analysis.fold_auc, PERMUTED_FILE: analysis.permuted}
    for name, frame in tables.items():
        frame.to_csv(folder / name, index=False, lineterminator="\n")
    analysis.evaluation.write(folder / EVALUATION_FILE)


def read_analysis(folder: Path) -> "CrowdAnalysis":
    """Read what `write_analysis` wrote; names of cases stay text."""
    import pandas as pd

    from overread.questions.crowd_disagreement.evaluation import CrowdAnalysis

    text = {"case_id": str, "subject_id": str, "outcome": str}
    return CrowdAnalysis(
        evaluation=read_crowd_evaluation(folder),
        cases=pd.read_csv(folder / CASES_FILE, dtype=text, keep_default_na=False),
        fold_auc=pd.read_csv(folder / AUC_FILE),
        permuted=pd.read_csv(folder / PERMUTED_FILE),
    )


def read_crowd_evaluation(folder: Path) -> CrowdEvaluation:
    """Read the numbers alone."""
    return CrowdEvaluation.read(folder / EVALUATION_FILE)


def write_origin(origin: AnalysisRun, folder: Path) -> None:
    """Write where an analysis comes from."""
    origin.write(folder / ORIGIN_FILE)


def read_origin(folder: Path) -> AnalysisRun:
    """Read where an analysis comes from."""
    return AnalysisRun.read(folder / ORIGIN_FILE)
