"""Component: relabel the sources and record them."""

from kfp import dsl

from components.image import step_component


@step_component
def relabel_sources(
    noisy_study: dsl.Input[dsl.Dataset],
    plan: dsl.Input[dsl.Artifact],
    label_variants: dsl.Input[dsl.Artifact],
    networks: dsl.Input[list[dsl.Model]],
    study: dsl.Output[dsl.Dataset],
    sources: dsl.Output[dsl.Artifact],
    review: dsl.Output[dsl.Dataset],
) -> str:
    """Repair the labels of all cases, list what to review, and record them in one commit, which is returned."""
    from pathlib import Path

    from overread.questions.relabel.steps import make_relabelled_sources as step
    from overread.runs.predict_cases import list_networks
    from overread.runs.study_copy import Origin
    from overread.runs.surroundings import locate_store

    made = step.run(
        Path(noisy_study.path),
        Path(plan.path),
        Path(label_variants.path),
        list_networks([Path(model.path) for model in networks]),
        output=Path(study.path),
        review=Path(review.path),
        origin=Origin(noisy_study.metadata["study"], noisy_study.metadata["revision"]),
        store=locate_store(),
    )
    made.write(Path(sources.path))
    study.metadata |= {"study": noisy_study.metadata["study"], "revision": made.revision}
    return made.revision
