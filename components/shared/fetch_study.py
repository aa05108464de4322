"""Component: fetch the study at a revision."""

from kfp import dsl

from components.image import step_component


@step_component
def fetch_study(
    study_uri: str,
    revision: str,
    sources: str,
    study: dsl.Output[dsl.Dataset],
    further_sources: str = "",
    labels: bool = True,
) -> str:
    """Fetch images, and labels where they are wanted, with git and DVC and check them; returns the commit."""
    from pathlib import Path

    from overread.runs import fetch_study as step
    from overread.settings import split_list

    commit = step.run(
        study_uri,
        revision,
        split_list(sources),
        target=Path(study.path),
        further=split_list(further_sources),
        labels=labels,
    )
    study.metadata |= {"study": study_uri, "revision": commit}
    return commit
