"""Component: measure the masks and write the report."""

from kfp import dsl

from components.image import step_component


@step_component
def measure_sizes(
    study: dsl.Input[dsl.Dataset], mask_sizes: dsl.Output[dsl.Dataset], report: dsl.Output[dsl.HTML]
) -> None:
    """Measure, write the numbers and one self-contained page."""
    from pathlib import Path

    from overread.questions.mask_size.steps import measure_sizes as step

    from overread.runs.surroundings import locate_store

    step.run(
        Path(study.path),
        revision=study.metadata["revision"],
        sizes_file=Path(mask_sizes.path),
        report_file=Path(report.path),
        store=locate_store(),
    )
