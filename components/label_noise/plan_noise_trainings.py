"""Component: plan the trainings on label variants."""

from kfp import dsl

from components.image import step_component


@step_component
def plan_noise_trainings(
    study: dsl.Input[dsl.Dataset],
    label_variants: dsl.Input[dsl.Artifact],
    networks: str,
    preset: str,
    folds: int,
    repeats: int,
    plan: dsl.Output[dsl.Artifact],
) -> list[str]:
    """List a training per network, variant, fold and repeat; returns batches of job names, joined by commas."""
    from pathlib import Path

    from overread.questions.label_noise.steps import plan_noise_trainings as step
    from overread.runs.surroundings import count_jobs_per_task, locate_store
    from overread.settings import split_list

    choices = {"networks": split_list(networks), "preset": preset, "folds": folds, "repeats": repeats}
    settings = step.NoisePlanSettings.parse(choices | {"jobs_per_task": count_jobs_per_task()}, where="label-noise")
    made = step.run(
        Path(study.path),
        Path(label_variants.path),
        settings,
        study_uri=study.metadata["study"],
        revision=study.metadata["revision"],
        plan_file=Path(plan.path),
        store=locate_store(),
    )
    return [",".join(batch) for batch in made.batches]
