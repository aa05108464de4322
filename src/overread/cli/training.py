"""`overread train`: one network."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from overread.runs.training_choice import TrainingChoice


def train(folder: Path, output: Path, *, choice: Annotated[TrainingChoice, Parameter(name="*")]) -> None:
    """Train one network on all labelled cases of a source, some of them kept for validation.

    Args:
        folder: Folder of the study.
        output: Folder that gets the network; a training that was interrupted there goes on.
        choice: Whose labels to learn, and how.
    """
    from overread.runs import train_one

    train_one.run(folder, output, choice)
