"""Component: write the report of label-noise."""

from kfp import dsl

from components.image import step_component


@step_component
def write_noise_report(
    study: dsl.Input[dsl.Dataset],
    plan: dsl.Input[dsl.Artifact],
    label_variants: dsl.Input[dsl.Artifact],
    networks: dsl.Input[list[dsl.Model]],
    noise_evaluation: dsl.Input[dsl.Dataset],
    report: dsl.Output[dsl.HTML],
    summary: dsl.Output[dsl.Metrics],
) -> None:
    """Write one self-contained page and end the pipeline run in MLflow."""
    from pathlib import Path

    from overread.questions.label_noise.steps import write_noise_report as step
    from overread.runs.predict_cases import list_networks
    from overread.runs.surroundings import locate_store

    evaluation = step.run(
        Path(study.path),
        Path(plan.path),
        Path(label_variants.path),
        list_networks([Path(model.path) for model in networks]),
        Path(noise_evaluation.path),
        report_file=Path(report.path),
        store=locate_store(),
    )
    for name, value in step.collect_metrics(evaluation).items():
        summary.log_metric(name, value)
