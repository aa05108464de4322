"""The command line `overread`."""

import os
import sys

from cyclopts import App

from overread import __version__
from overread.cli.analyses import acquisition_bias, disagreement, run
from overread.cli.labels import labels_app
from overread.cli.networks import model_app, predict, uncertainty
from overread.errors import OverreadError, TaskFailureError

app = App(
    name="overread",
    version=__version__,
    help_format="plaintext",
    help="Measure how much the choice of annotator, scanner or label quality shapes a segmentation network.",
)
# Those whose parameters are settings are named by address: pydantic takes longer to import than all else here.
app.command("overread.cli.study:study_app", name="study", help="Make, check and convert studies.")
app.command(labels_app)
app.command(model_app)
app.command(
    "overread.cli.training:train",
    help="Train one network on all labelled cases of a source, some of them kept for validation.",
)
app.command(run)
app.command("overread.cli.kubeflow:submit", help="Start a run on Kubeflow Pipelines.")
app.command("overread.cli.kubeflow:upload", help="Upload packages to Kubeflow Pipelines.")
app.command("overread.cli.kubeflow:schedule", help="Run a pipeline on Kubeflow Pipelines again and again.")
app.command("overread.cli.kubeflow:unschedule", help="Delete a recurring run from Kubeflow Pipelines.")
for command in (predict, uncertainty, disagreement, acquisition_bias):
    app.command(command)


@app.command
def presets() -> None:
    """List the presets."""
    from overread.kubeflow.catalogue import PIPELINES
    from overread.training.presets import SHELF

    for name, description in SHELF.describe().items():
        print(f"{name}: {description}")
    for pipeline in PIPELINES.values():
        for name, description in pipeline.describe_presets().items():
            print(f"{name} ({pipeline.name}): {description}")


def main() -> None:
    """Run the command line; an error of Overread is one message and exit code 2."""
    try:
        app()
    except (OverreadError, TaskFailureError) as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2 if isinstance(error, OverreadError) else 1)
    except BrokenPipeError:
        # Whoever read the output has left, as `head` does; Python would complain once more when it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
