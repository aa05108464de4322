"""Component: train the networks of one batch of jobs."""

from kfp import dsl

from components.image import step_component


@step_component
def train_networks(
    study: dsl.Input[dsl.Dataset], plan: dsl.Input[dsl.Artifact], jobs: str, networks: dsl.Output[dsl.Model]
) -> None:
    """Train the named jobs side by side; finished ones are reused, interrupted ones are resumed."""
    from pathlib import Path

    from overread.runs import train_networks as step
    from overread.runs.surroundings import limit_processes, locate_store
    from overread.settings import split_list

    names = split_list(jobs)
    results = step.run(
        Path(study.path),
        Path(plan.path),
        names,
        output=Path(networks.path),
        store=locate_store(),
        processes=limit_processes(len(names)),
    )
    networks.metadata |= {result.job.name: result.kept_validation_dice for result in results}
