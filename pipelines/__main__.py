"""`python -m pipelines`: compile the graphs of this folder."""

import sys
from pathlib import Path

from cyclopts import App

from overread.errors import OverreadError

app = App(name="python -m pipelines", help="Compile the pipelines.", version_flags=[])


@app.command(name="compile")
def compile_all(*names: str) -> None:
    """Write the packages that Overread runs and that the Kubeflow UI takes.

    Args:
        names: Names of pipelines; all if none is given.
    """
    from overread.kubeflow.catalogue import PIPELINES, find_pipeline
    from pipelines.compiling import compile_pipeline

    for name in names or PIPELINES:
        pipeline = find_pipeline(name)
        compile_pipeline(pipeline, pipeline.package)
        print(pipeline.package.relative_to(Path(__file__).parents[1]))


def main() -> None:
    """Run the command line; an error of Overread is one message and exit code 2."""
    try:
        app()
    except OverreadError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
