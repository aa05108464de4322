"""Trainings of seconds, run by the step that pipelines run."""

from collections.abc import Sequence
from pathlib import Path

from overread.runs import train_networks
from overread.runs.plan import TrainingPlan
from overread.runs.plan_trainings import PlanSettings, plan_trainings
from tests.studies import make_preset, write_squares


def write_plan(root: Path, *, epochs: int, study: str) -> TrainingPlan:
    """Write a study of squares and a plan of three folds into a folder; Prometheus and MLflow know it as `study`."""
    squares = write_squares(root / "study")
    make_preset(2, epochs=epochs).write_yaml(root / "tiny.yaml")
    settings = PlanSettings(pipeline="rater-bias", preset=str(root / "tiny.yaml"), folds=3)
    plan = plan_trainings(squares, settings, revision="abc").model_copy(update={"study": study})
    plan.write(root / "plan.json")
    return plan


def train(root: Path, names: Sequence[str], *, processes: int = 1) -> None:
    """Run the step on the plan of a folder, which gets `networks/<job>` and `store`."""
    train_networks.run(
        root / "study",
        root / "plan.json",
        names,
        output=root / "networks",
        store=str(root / "store"),
        processes=processes,
    )
