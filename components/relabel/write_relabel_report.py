"""Component: write the report of relabel."""

from kfp import dsl

from components.image import step_component


@step_component
def write_relabel_report(
    study: dsl.Input[dsl.Dataset],
    plan: dsl.Input[dsl.Artifact],
    relabel_evaluation: dsl.Input[dsl.Dataset],
    report: dsl.Output[dsl.HTML],
    summary: dsl.Output[dsl.Metrics],
) -> None:
    """Write one self-contained page and end the pipeline run in MLflow."""
    from pathlib import Path

    from overread.questions.relabel.evaluation import collect_metrics
    from overread.questions.relabel.steps import write_relabel_report as step
    from overread.runs.surroundings import locate_store

    evaluation = step.run(
        Path(study.path),
        Path(plan.path),
        Path(relabel_evaluation.path),
        report_file=Path(report.path),
        store=locate_store(),
    )
    for name, value in collect_metrics(evaluation).items():
        summary.log_metric(name, value)
