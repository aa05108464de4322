"""Component: write the report of crowd-disagreement."""

from kfp import dsl

from components.image import step_component


@step_component
def write_disagreement_report(
    crowd_evaluation: dsl.Input[dsl.Dataset],
    report: dsl.Output[dsl.HTML],
    summary: dsl.Output[dsl.Metrics],
) -> None:
    """Write one self-contained page and end the pipeline run in MLflow."""
    from pathlib import Path

    from overread.questions.crowd_disagreement.steps import write_disagreement_report as step
    from overread.runs.surroundings import locate_store

    evaluation = step.run(Path(crowd_evaluation.path), report_file=Path(report.path), store=locate_store())
    for name, value in step.collect_metrics(evaluation).items():
        summary.log_metric(name, value)
