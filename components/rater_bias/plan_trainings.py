"""Component: plan the trainings."""

from kfp import dsl

from components.image import step_component


@step_component
def plan_trainings(
    study: dsl.Input[dsl.Dataset],
    pipeline: str,
    sources: str,
    preset: str,
    folds: int,
    repeats: int,
    epochs: int,
    mix_ratios: str,
    plan: dsl.Output[dsl.Artifact],
) -> list[str]:
    """Split the cases into folds and list the trainings; returns batches of job names, joined by commas."""
    from pathlib import Path

    from overread.runs import plan_trainings as step
    from overread.runs.surroundings import count_jobs_per_task, locate_store
    from overread.settings import split_list

    choices = {"pipeline": pipeline, "sources": split_list(sources), "preset": preset, "folds": folds}
    choices |= {"repeats": repeats, "epochs": epochs, "mix_ratios": split_list(mix_ratios)}
    settings = step.PlanSettings.parse(choices | {"jobs_per_task": count_jobs_per_task()}, where=pipeline)
    origin, revision = study.metadata["study"], study.metadata["revision"]
    made = step.run(
        Path(study.path), settings, study_uri=origin, revision=revision, plan_file=Path(plan.path), store=locate_store()
    )
    return [",".join(batch) for batch in made.batches]
