"""Component: plan the probes of acquisition-bias."""

from kfp import dsl

from components.image import step_component


@step_component
def plan_probes(
    study: dsl.Input[dsl.Dataset],
    column: str,
    classes: str,
    preset: str,
    folds: int,
    seed: int,
    plan: dsl.Output[dsl.Artifact],
) -> list[str]:
    """Choose cases, match age and sex and split the subjects; returns batches of job names, joined by commas."""
    from pathlib import Path

    from overread.questions.acquisition_bias.steps import plan_probes as step
    from overread.runs.surroundings import batch_jobs, locate_store
    from overread.settings import split_list

    choices = {"column": column, "classes": split_list(classes), "preset": preset, "folds": folds or None}
    choice = step.ProbeChoice.parse(choices | {"seed": seed}, where="acquisition-bias")
    origin, revision = study.metadata["study"], study.metadata["revision"]
    made = step.run(
        Path(study.path), choice, study_uri=origin, revision=revision, plan_file=Path(plan.path), store=locate_store()
    )
    return batch_jobs([job.name for job in made.jobs])
