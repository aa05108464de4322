"""Component: plan the trainings with and without corrected labels."""

from kfp import dsl

from components.image import step_component


@step_component
def plan_corrections(
    study: dsl.Input[dsl.Dataset],
    label_variants: dsl.Input[dsl.Artifact],
    clean_source: str,
    method: str,
    relabel_after: str,
    preset: str,
    epochs: int,
    repeats: int,
    plan: dsl.Output[dsl.Artifact],
) -> list[str]:
    """List a training per repeat, fold, noise and correction; returns batches of job names, joined by commas."""
    from pathlib import Path

    from overread.questions.relabel.steps import plan_corrections as step
    from overread.runs.surroundings import count_jobs_per_task, locate_store
    from overread.settings import split_list

    choices = {"clean_source": clean_source, "method": split_list(method), "relabel_after": relabel_after}
    choices |= {"preset": preset, "epochs": epochs, "repeats": repeats}
    choices["jobs_per_task"] = count_jobs_per_task()
    choice = step.CorrectionChoice.parse(choices, where="parameters of relabel")
    made = step.run(
        Path(study.path),
        Path(label_variants.path),
        choice,
        study_uri=study.metadata["study"],
        revision=study.metadata["revision"],
        plan_file=Path(plan.path),
        store=locate_store(),
    )
    return [",".join(batch) for batch in made.batches]
