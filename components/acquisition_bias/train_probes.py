"""Component: train the probes of one batch of jobs."""

from kfp import dsl

from components.image import step_component


@step_component
def train_probes(
    study: dsl.Input[dsl.Dataset], plan: dsl.Input[dsl.Artifact], jobs: str, probes: dsl.Output[dsl.Dataset]
) -> None:
    """Train the named probes side by side and let them name their held-out cases; finished ones are reused."""
    from pathlib import Path

    from overread.questions.acquisition_bias.steps import train_probes as step
    from overread.runs.surroundings import limit_processes, locate_store
    from overread.settings import split_list

    names = split_list(jobs)
    step.run(
        Path(study.path),
        Path(plan.path),
        names,
        output=Path(probes.path),
        store=locate_store(),
        processes=limit_processes(len(names)),
    )
