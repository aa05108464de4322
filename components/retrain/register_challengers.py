"""Component: register challengers, and promote, hold or refuse them as the gate says."""

from kfp import dsl

from components.image import step_component


@step_component
def register_challengers(
    changes: dsl.Input[dsl.Artifact],
    plan: dsl.Input[dsl.Artifact],
    networks: dsl.Input[list[dsl.Model]],
    judgement: dsl.Input[dsl.Dataset],
) -> str:
    """Register in MLflow with the aliases champion and challenger; returns where the outcome is kept."""
    from pathlib import Path

    from overread.questions.retrain.steps import register_challengers as step
    from overread.runs.predict_cases import list_networks
    from overread.runs.surroundings import locate_store

    folders = list_networks([Path(model.path) for model in networks])
    files = (Path(changes.path), Path(plan.path))
    return step.run(*files, folders, Path(judgement.path), store=locate_store())
