"""The pipeline `rater-bias`: does it matter which rater trained my network?"""

from typing import NamedTuple

from kfp import dsl

from components.cross_evaluate import cross_evaluate
from components.fetch_study import fetch_study
from components.plan_trainings import plan_trainings
from components.predict_cases import predict_cases
from components.train_networks import train_networks
from components.write_report import write_report
from pipelines.resources import place_on_cpu, place_on_gpu, read_parallelism

DESCRIPTION = """Does it matter which rater trained my network?

Trains the same network once per rater, under cross-validation by subject, and compares every network with every rater \
on held-out cases (Schwartzman et al. 2019).

- study: address of the study's git repository, a folder or URL
- revision: commit, branch or tag of the study; empty for the newest commit
- sources: label sets to compare, as a,b,c; empty for all raters
- preset: settings of network and training: demo, cells, schwartzman2019, or the path of a YAML file
- folds: rounds of the cross-validation; each case is held out in one of them
- repeats: random initialisations per rater and fold, whose predictions are averaged
- epochs: upper bound of epochs; 0 takes the preset's
"""


class RaterBiasOutputs(NamedTuple):
    """What the pipeline leaves."""

    report: dsl.HTML
    cross_evaluation: dsl.Dataset
    predictions: dsl.Dataset


@dsl.pipeline(name="rater-bias", display_name="Rater bias", description=DESCRIPTION)
def rater_bias(
    study: str,
    revision: str = "",
    sources: str = "",
    preset: str = "demo",
    folds: int = 3,
    repeats: int = 1,
    epochs: int = 0,
) -> RaterBiasOutputs:
    """Train once per rater, compare every network with every rater."""
    fetched = place_on_cpu(fetch_study(study_uri=study, revision=revision, sources=sources), "Fetch study")
    planned = place_on_cpu(
        plan_trainings(
            study=fetched.outputs["study"],
            pipeline="rater-bias",
            sources=sources,
            preset=preset,
            folds=folds,
            repeats=repeats,
            epochs=epochs,
        ),
        "Plan trainings",
    )
    data = {"study": fetched.outputs["study"], "plan": planned.outputs["plan"]}
    with dsl.ParallelFor(
        planned.outputs["Output"], name="batches-of-trainings", parallelism=read_parallelism()
    ) as jobs:
        trained = place_on_gpu(train_networks(**data, jobs=jobs), "Train networks")
    predicted = place_on_gpu(
        predict_cases(**data, networks=dsl.Collected(trained.outputs["networks"])), "Predict held-out cases"
    )
    evaluated = place_on_cpu(
        cross_evaluate(**data, predictions=predicted.outputs["predictions"]), "Compare networks and raters"
    )
    results = {
        "predictions": predicted.outputs["predictions"],
        "cross_evaluation": evaluated.outputs["cross_evaluation"],
    }
    reported = place_on_cpu(
        write_report(**data, networks=dsl.Collected(trained.outputs["networks"]), **results), "Write report"
    )
    return RaterBiasOutputs(report=reported.outputs["report"], **results)
