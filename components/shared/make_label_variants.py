"""Component: make perturbed label variants."""

from kfp import dsl

from components.image import step_component


@step_component
def make_label_variants(
    fetched_study: dsl.Input[dsl.Dataset],
    source: str,
    variants: str,
    redraw: str,
    study: dsl.Output[dsl.Dataset],
    label_variants: dsl.Output[dsl.Artifact],
) -> str:
    """Perturb a source to several target Dice and record the variants in one commit, which is returned."""
    from pathlib import Path

    from overread.runs import make_label_variants as step
    from overread.runs.study_copy import Origin
    from overread.runs.surroundings import limit_processes, locate_store
    from overread.settings import split_list

    origin = fetched_study.metadata["study"]
    made = step.run(
        Path(fetched_study.path),
        step.VariantChoice(source=source, variants=split_list(variants), redraw=redraw),
        output=Path(study.path),
        origin=Origin(origin, fetched_study.metadata["revision"]),
        processes=limit_processes(4),
        store=locate_store(),
    )
    made.variants.write(Path(label_variants.path))
    study.metadata |= {"study": origin, "revision": made.revision}
    return made.revision
