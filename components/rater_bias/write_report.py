"""Component: write the report of rater-bias."""

from kfp import dsl

from components.image import step_component


@step_component
def write_report(
    study: dsl.Input[dsl.Dataset],
    plan: dsl.Input[dsl.Artifact],
    networks: dsl.Input[list[dsl.Model]],
    predictions: dsl.Input[dsl.Dataset],
    cross_evaluation: dsl.Input[dsl.Dataset],
    mixing_evaluation: dsl.Input[dsl.Dataset],
    classification: dsl.Input[dsl.Dataset],
    report: dsl.Output[dsl.HTML],
    summary: dsl.Output[dsl.Metrics],
) -> None:
    """Write one self-contained page and end the pipeline run in MLflow."""
    from pathlib import Path

    from overread.questions.rater_bias.steps import write_report as step
    from overread.runs.predict_cases import list_networks
    from overread.runs.surroundings import locate_store

    folders = (predictions, cross_evaluation, mixing_evaluation, classification)
    evaluation = step.run(
        Path(study.path),
        Path(plan.path),
        list_networks([Path(model.path) for model in networks]),
        step.ResultFolders(*(Path(folder.path) for folder in folders)),
        report_file=Path(report.path),
        store=locate_store(),
    )
    for name, value in step.collect_metrics(evaluation).items():
        summary.log_metric(name, value)
