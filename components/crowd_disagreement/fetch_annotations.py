"""Component: fetch tables of ratings and outcomes, or a study."""

from kfp import dsl

from components.image import step_component


@step_component
def fetch_annotations(
    ratings: str, outcomes: str, study: str, revision: str, sources: str, annotations: dsl.Output[dsl.Dataset]
) -> str:
    """Fetch two CSV tables, or a study with git and DVC; returns the commit of the study."""
    from pathlib import Path

    from overread.questions.crowd_disagreement.steps import fetch_annotations as step
    from overread.settings import split_list

    fetched = step.run(
        ratings=ratings,
        outcomes=outcomes,
        study=study,
        revision=revision,
        sources=split_list(sources),
        target=Path(annotations.path),
    )
    annotations.metadata |= fetched.model_dump()
    return fetched.revision
