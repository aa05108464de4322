"""Component: write the report of retrain."""

from kfp import dsl

from components.image import step_component


@step_component
def write_retraining_report(
    changes: dsl.Input[dsl.Artifact],
    outcome: str,
    report: dsl.Output[dsl.HTML],
    decisions: dsl.Output[dsl.Artifact],
) -> None:
    """Write one self-contained page and end the pipeline run in MLflow."""
    from pathlib import Path

    from overread.questions.retrain.steps import write_retraining_report as step
    from overread.runs.surroundings import locate_store

    step.run(
        Path(changes.path),
        outcome,
        report_file=Path(report.path),
        decisions_file=Path(decisions.path),
        store=locate_store(),
    )
