"""Component: predict an outcome from ratings, or from the disagreement of the sources of a study."""

from kfp import dsl

from components.image import step_component


@step_component
def analyse_disagreement(
    annotations: dsl.Input[dsl.Dataset],
    sources: str,
    outcome: str,
    positive: str,
    columns: str,
    preset: str,
    folds: int,
    crowd_evaluation: dsl.Output[dsl.Dataset],
) -> None:
    """Cross-validate every set of features and test what disagreement tells."""
    from pathlib import Path

    from overread.questions.crowd_disagreement.steps import analyse_disagreement as step
    from overread.runs.surroundings import locate_store
    from overread.settings import split_list

    choices = {"outcome": outcome, "positive": positive, "columns": columns, "sources": split_list(sources)}
    choices |= {"preset": preset, "folds": folds}
    step.run(
        Path(annotations.path),
        step.DisagreementChoice.parse(choices, where="parameters of crowd-disagreement"),
        uri=annotations.metadata["uri"],
        revision=annotations.metadata["revision"],
        output=Path(crowd_evaluation.path),
        store=locate_store(),
    )
