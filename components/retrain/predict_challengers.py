"""Component: predict the held-out cases with challengers and all champions so far."""

from kfp import dsl

from components.image import step_component


@step_component
def predict_challengers(
    study: dsl.Input[dsl.Dataset],
    changes: dsl.Input[dsl.Artifact],
    plan: dsl.Input[dsl.Artifact],
    networks: dsl.Input[list[dsl.Model]],
    predictions: dsl.Output[dsl.Dataset],
) -> None:
    """Predict the cases that no network learnt, by every new network and by all champions so far."""
    from pathlib import Path

    from overread.questions.retrain.steps import predict_challengers as step
    from overread.runs.predict_cases import list_networks
    from overread.runs.surroundings import limit_processes, locate_store

    step.run(
        Path(study.path),
        Path(changes.path),
        Path(plan.path),
        list_networks([Path(model.path) for model in networks]),
        output=Path(predictions.path),
        store=locate_store(),
        processes=limit_processes(4),
    )
