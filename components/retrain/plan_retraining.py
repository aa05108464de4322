"""Component: plan the trainings of the networks whose labels changed."""

from kfp import dsl

from components.image import step_component


@step_component
def plan_retraining(
    study: dsl.Input[dsl.Dataset], changes: dsl.Input[dsl.Artifact], plan: dsl.Output[dsl.Artifact]
) -> list[str]:
    """Hold cases out and list the trainings; returns batches of job names, joined by commas."""
    from pathlib import Path

    from overread.questions.retrain.steps import plan_retraining as step
    from overread.runs.surroundings import count_jobs_per_task, locate_store

    made = step.run(
        Path(study.path),
        Path(changes.path),
        jobs_per_task=count_jobs_per_task(),
        plan_file=Path(plan.path),
        store=locate_store(),
    )
    return [",".join(batch) for batch in made.batches]
