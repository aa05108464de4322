"""Step: predict an outcome from ratings, or from the disagreement of the sources of a study."""

from pathlib import Path
from typing import TYPE_CHECKING

from overread.adapters.storage import open_store
from overread.questions.crowd_disagreement.results import CrowdEvaluation
from overread.questions.crowd_disagreement.steps.annotation_data import AnnotationData, MeasuredCases
from overread.questions.crowd_disagreement.steps.crowd_analysis_files import (
    read_crowd_evaluation,
    write_analysis,
    write_origin,
)
from overread.questions.crowd_disagreement.steps.disagreement_choice import DisagreementChoice, choose_preset
from overread.questions.crowd_disagreement.steps.fetch_annotations import open_annotations
from overread.runs.fingerprint import name_result, name_run
from overread.runs.pipeline_run import AnalysisRun, begin_pipeline_run, failing_with_pipeline_run
from overread.runs.progress import report_progress
from overread.runs.reuse import finish_result

if TYPE_CHECKING:
    from overread.questions.crowd_disagreement.evaluation import CrowdAnalysis

PIPELINE = "crowd-disagreement"


def run(
    annotations_folder: Path, choice: DisagreementChoice, *, uri: str, revision: str, output: Path, store: str
) -> CrowdEvaluation:
    """Analyse fetched annotations, and open the pipeline run in MLflow; a finished analysis is reused.

    Args:
        annotations_folder: what `fetch_annotations` wrote.
        choice: outcome, features, preset and seed.
        uri: where the annotations come from.
        revision: commit of the study.
        output: gets numbers, tables and `origin.json`.
        store: address of the result store.

    Raises:
        InputError: a table, a source, the outcome or a setting breaks a rule.
    """
    data = open_annotations(annotations_folder, choice)
    identity = identify_analysis(data, choice, revision=revision)
    key = name_analysis(data, choice)
    # Data that break a rule leave no run in MLflow.
    measured = None if open_store(store).contains(key) else _measure(data, choice)
    begin_pipeline_run(identity, choice, study_uri=uri, store=store)

    def compute() -> "CrowdAnalysis":
        analysis = analyse(measured or _measure(data, choice), choice)
        write_analysis(analysis, output)
        return analysis

    with failing_with_pipeline_run(identity, store):
        if finish_result(store, key, output, compute) is None:
            report_progress(f"analysis of {data.name}: reused")
    write_origin(identity, output)
    return read_crowd_evaluation(output)


def analyse(measured: MeasuredCases, choice: DisagreementChoice) -> "CrowdAnalysis":
    """Predict and test as chosen.

    Raises:
        InputError: a class has fewer cases than there are folds.
    """
    from overread.questions.crowd_disagreement.evaluation import analyse_disagreement

    return analyse_disagreement(
        measured.cases,
        outcome=measured.outcome,
        table=measured.table,
        settings=choose_preset(choice).analysis,
        seed=choice.seed,
    )


def identify_analysis(data: AnnotationData, choice: DisagreementChoice, *, revision: str) -> AnalysisRun:
    """What MLflow, the result store and the report know an analysis by."""
    preset = choose_preset(choice)
    parts = {
        "study": data.name,
        "data": data.digest,
        "revision": revision,
        "choice": choice.model_dump(mode="json"),
        "preset": preset.model_dump(mode="json"),
    }
    return AnalysisRun(
        pipeline=PIPELINE,
        study=data.name,
        study_digest=data.digest,
        source_digests=data.digests,
        revision=revision,
        preset_name=choice.preset,
        settings_yaml=f"{preset.to_yaml()}choice:\n{_indent(choice.to_yaml())}",
        run_fingerprint=name_run(parts),
    )


def name_analysis(data: AnnotationData, choice: DisagreementChoice) -> str:
    """Where the result store keeps the numbers and tables; neither revision nor name of the preset count."""
    parts = {
        "name": data.name,
        "data": data.digest,
        "choice": choice.model_dump(mode="json", exclude={"preset", "folds"}),
        "settings": choose_preset(choice).analysis.model_dump(mode="json"),
    }
    return f"evaluations/{name_result('crowd-disagreement', made_by=__name__, parts=parts)}"


def _measure(data: AnnotationData, choice: DisagreementChoice) -> MeasuredCases:
    from overread.questions.crowd_disagreement.case_features import check_folds

    measured = data.measure()
    check_folds(measured.cases.outcome, choose_preset(choice).analysis.folds)
    return measured


def _indent(text: str) -> str:
    return "".join(f"  {line}\n" for line in text.splitlines())
