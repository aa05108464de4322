"""Trainings that questions need beside segmentation, source classifiers and acquisition probes, of seconds each.

`python -m tests.question_trainings KIND FOLDER OUTPUT` runs the step in a process of its own.
"""

import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path

from overread.questions.acquisition_bias.steps import train_probes
from overread.questions.acquisition_bias.steps.plan_probes import ProbeChoice, plan_probes
from overread.questions.rater_bias.steps import classify_sources
from overread.runs.pipeline_run import RunIdentity
from overread.runs.plan import TrainingPlan
from overread.runs.plan_trainings import PlanSettings, plan_trainings
from overread.study.label_set import LabelSet
from overread.study.rasters import write_mask
from overread.study.study import Study
from overread.training.settings import ClassifierSettings
from tests.studies import make_preset, write_cubes, write_squares
from tests.unit.vendor_studies import make_probe_preset, write_vendors

CLASSIFIER = ClassifierSettings(
    patch_size=(8, 8),
    features=(4, 8),
    epochs=4,
    steps_per_epoch=15,
    batch_size=12,
    learning_rate=0.01,
    centre_jitter=1,
    patches_per_case=8,
    precision="fp32",
)
QUICK_CLASSIFIER = CLASSIFIER.model_copy(update={"epochs": 1, "steps_per_epoch": 2, "patches_per_case": 3})
_PLAN = "plan.json"


class QuestionTrainings(ABC):
    """A step that trains networks of one kind, on a small study.

    Attributes:
        kind: what MLflow and Prometheus call it.
        source: what Prometheus is told that it learns.
        kept: the kind of result in the store.
        files: what each training leaves that does not depend on the time that it took.
        names: of its trainings in MLflow, by the folders that they fill.
    """

    kind: str
    source: str
    kept: str
    files: tuple[str, ...]
    names: Mapping[str, str]

    @abstractmethod
    def prepare(self, root: Path, *, epochs: int, study: str) -> RunIdentity:
        """Write a study and a plan; MLflow and Prometheus know the study by the name that is given."""

    @abstractmethod
    def run(self, root: Path, output: str) -> None:
        """Run the step on what was prepared; its store is the folder `store`."""


class Classifiers(QuestionTrainings):
    """Two raters, three folds, each with its shuffled baseline."""

    kind, source, kept = "source-classifier", "ann+ben", "classifications"
    files = ("patches.csv", "history.csv")
    names: Mapping[str, str] = {
        f"fold{fold}{shuffled}": f"source-classifier-fold{fold}{shuffled}"
        for fold in range(3)
        for shuffled in ("", "-shuffled")
    }

    def prepare(self, root: Path, *, epochs: int, study: str) -> RunIdentity:
        """See `QuestionTrainings`."""
        prepare_classifiers(root)
        plan = TrainingPlan.read(root / _PLAN)
        settings = QUICK_CLASSIFIER.model_copy(update={"epochs": epochs, "steps_per_epoch": 4})
        preset = plan.preset.model_copy(update={"classifier": settings})
        plan = plan.model_copy(update={"preset": preset, "study": study})
        plan.write(root / _PLAN)
        return plan

    def run(self, root: Path, output: str) -> None:
        """See `QuestionTrainings`."""
        folders = (root / "study", root / _PLAN, root / "predictions")
        classify_sources.run(*folders, output=root / output, store=str(root / "store"), processes=1)


class Probes(QuestionTrainings):
    """The body, and the whole image with shuffled classes, in the first two rounds."""

    kind, source, kept = "acquisition-probe", "vendor", "probes"
    files = ("scores.csv", "stacks.json")
    names: Mapping[str, str] = {
        f"{region}-fold{fold}{shuffle}": f"probe-{region}-fold{fold}{shuffle}"
        for region, shuffle in (("body", ""), ("whole", "-shuffle1"))
        for fold in (0, 1)
    }

    def prepare(self, root: Path, *, epochs: int, study: str) -> RunIdentity:
        """See `QuestionTrainings`."""
        vendors = write_vendors(root / "study")
        make_probe_preset(epochs=epochs).model_copy(update={"shuffles": 19}).write_yaml(root / "tiny.yaml")
        plan = plan_probes(vendors, ProbeChoice(column="vendor", preset=str(root / "tiny.yaml")), revision="abc")
        plan = plan.model_copy(update={"study": study})
        plan.write(root / _PLAN)
        return plan

    def run(self, root: Path, output: str) -> None:
        """See `QuestionTrainings`."""
        train_probes.run(
            root / "study", root / _PLAN, list(self.names), output=root / output, store=str(root / "store"), processes=1
        )


ALL = (Classifiers(), Probes())


def prepare_classifiers(
    root: Path, *, case_count: int = 9, sources: tuple[str, ...] = ("ann", "ben"), cubes: bool = False
) -> Study:
    """A study, its plan, and predictions that are the annotations, except that ann's network misses the first case."""
    study = (write_cubes if cubes else write_squares)(root / "study", case_count=case_count)
    write_classifier_plan(study, sources)
    for source in sources:
        for case_id in study.case_ids[source == "ann" :]:
            path = LabelSet("", root / "predictions" / f"network-{source}", study.suffix).path(case_id)
            write_mask(path, study.labels(source).read(case_id), study.read_affine(case_id))
    return study


def write_classifier_plan(study: Study, sources: tuple[str, ...]) -> TrainingPlan:
    """Write a plan of three folds beside the study."""
    preset = study.root.parent / "tiny.yaml"
    make_preset(study.settings.dimensions).write_yaml(preset)
    settings = PlanSettings(pipeline="rater-bias", preset=str(preset), folds=3, sources=sources)
    plan = plan_trainings(study, settings, revision="")
    plan.write(study.root.parent / _PLAN)
    return plan


if __name__ == "__main__":
    kind, folder, output = sys.argv[1:]
    next(trainings for trainings in ALL if trainings.kind == kind).run(Path(folder), output)
