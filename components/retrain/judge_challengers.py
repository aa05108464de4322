"""Component: apply the gate to every challenger."""

from kfp import dsl

from components.image import step_component


@step_component
def judge_challengers(
    study: dsl.Input[dsl.Dataset],
    changes: dsl.Input[dsl.Artifact],
    plan: dsl.Input[dsl.Artifact],
    networks: dsl.Input[list[dsl.Model]],
    predictions: dsl.Input[dsl.Dataset],
    judgement: dsl.Output[dsl.Dataset],
    gate: dsl.Output[dsl.Metrics],
) -> None:
    """Compare challengers with the best champions so far; a hold and a refusal are results, no failures."""
    from pathlib import Path

    from overread.questions.retrain.steps import judge_challengers as step
    from overread.runs.predict_cases import list_networks

    folders = list_networks([Path(model.path) for model in networks])
    files = (Path(study.path), Path(changes.path), Path(plan.path))
    judged = step.run(*files, folders, Path(predictions.path), output=Path(judgement.path))
    for name, value in step.list_gate_figures(judged).items():
        gate.log_metric(name, value)
