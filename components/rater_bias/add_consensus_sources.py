"""Component: add consensus sources to the fetched study."""

from kfp import dsl

from components.image import step_component


@step_component
def add_consensus_sources(
    fetched_study: dsl.Input[dsl.Dataset], sources: str, consensus: str, study: dsl.Output[dsl.Dataset]
) -> str:
    """Make a consensus of the raters by each method; returns raters and consensus sources, joined by commas."""
    from pathlib import Path

    from overread.questions.rater_bias.steps import add_consensus_sources as step
    from overread.settings import split_list

    names = step.run(Path(fetched_study.path), split_list(sources), split_list(consensus), output=Path(study.path))
    study.metadata |= fetched_study.metadata
    return ",".join(names)
