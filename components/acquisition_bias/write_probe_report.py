"""Component: write the report of acquisition-bias."""

from kfp import dsl

from components.image import step_component


@step_component
def write_probe_report(
    study: dsl.Input[dsl.Dataset],
    plan: dsl.Input[dsl.Artifact],
    probes: dsl.Input[list[dsl.Dataset]],
    acquisition_evaluation: dsl.Input[dsl.Dataset],
    report: dsl.Output[dsl.HTML],
    summary: dsl.Output[dsl.Metrics],
) -> None:
    """Write one self-contained page and end the pipeline run in MLflow."""
    from pathlib import Path

    from overread.questions.acquisition_bias.steps import write_probe_report as step
    from overread.runs.surroundings import locate_store

    evaluation = step.run(
        Path(study.path),
        Path(plan.path),
        [Path(item.path) for item in probes],
        Path(acquisition_evaluation.path),
        report_file=Path(report.path),
        store=locate_store(),
    )
    for name, value in step.collect_metrics(evaluation).items():
        summary.log_metric(name, value)
