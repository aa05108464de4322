"""The pipeline `rater-bias`: does it matter which rater trained my network?"""

from typing import NamedTuple

from kfp import dsl

from components.rater_bias.add_consensus_sources import add_consensus_sources
from components.rater_bias.classify_sources import classify_sources
from components.rater_bias.cross_evaluate import cross_evaluate
from components.rater_bias.evaluate_mixing import evaluate_mixing
from components.rater_bias.plan_trainings import plan_trainings
from components.rater_bias.write_report import write_report
from components.shared.fetch_study import fetch_study
from components.shared.predict_cases import predict_cases
from components.shared.train_networks import train_networks
from pipelines.resources import place_on_cpu, place_on_gpu, read_parallelism

DESCRIPTION = """Does it matter which rater trained my network?

Trains the same network once per rater, under cross-validation by subject, and compares every network with every rater \
on held-out cases (Schwartzman et al. 2019).

- study: address of the study's git repository, a folder or URL
- revision: commit, branch or tag of the study; empty for the newest commit
- sources: label sets to compare, as a,b,c; empty for all raters
- preset: settings of network and training, and what difference matters: demo, cells, schwartzman2019, or the path of \
a YAML file, one of the study's repository for example
- folds: rounds of the cross-validation, 3 to 5; each case is held out in one of them
- repeats: trainings per rater and fold, each from a random start of its own and judged by itself. With 18 subjects, \
folds=5 repeats=2 finds a difference of about 0.04 Dice in three of four studies, folds=3 repeats=1 one of about 0.12
- epochs: upper bound of epochs; 0 takes the preset's
- mix_ratios: shares of the second rater's labels that further networks learn beside all of the first rater's, as \
1,0.5,0.25; empty for none
- classifier: whether to test how well the raters can be told apart by their masks, and by those of their networks
- consensus: ways to make one label of the raters' votes, of majority,staple, each with a network; empty for none
"""


class RaterBiasOutputs(NamedTuple):
    """What the pipeline leaves."""

    report: dsl.HTML
    cross_evaluation: dsl.Dataset
    mixing_evaluation: dsl.Dataset
    classification: dsl.Dataset
    predictions: dsl.Dataset


@dsl.pipeline(name="rater-bias", display_name="Rater bias", description=DESCRIPTION)
def rater_bias(
    study: str,
    revision: str = "",
    sources: str = "",
    preset: str = "demo",
    folds: int = 5,
    repeats: int = 2,
    epochs: int = 0,
    mix_ratios: str = "1,0.5,0.25",
    classifier: bool = True,
    consensus: str = "majority,staple",
) -> RaterBiasOutputs:
    """Train once per rater, compare every network with every rater."""
    fetched = place_on_cpu(fetch_study(study_uri=study, revision=revision, sources=sources), "Fetch study")
    voted = place_on_cpu(
        add_consensus_sources(fetched_study=fetched.outputs["study"], sources=sources, consensus=consensus),
        "Add consensus of the raters",
    )
    planned = place_on_cpu(
        plan_trainings(
            study=voted.outputs["study"],
            pipeline="rater-bias",
            sources=voted.outputs["Output"],
            preset=preset,
            folds=folds,
            repeats=repeats,
            epochs=epochs,
            mix_ratios=mix_ratios,
        ),
        "Plan trainings",
    )
    data = {"study": voted.outputs["study"], "plan": planned.outputs["plan"]}
    with dsl.ParallelFor(
        planned.outputs["Output"], name="batches-of-trainings", parallelism=read_parallelism()
    ) as jobs:
        trained = place_on_gpu(train_networks(**data, jobs=jobs), "Train networks")
    predicted = place_on_gpu(
        predict_cases(**data, networks=dsl.Collected(trained.outputs["networks"])), "Predict held-out cases"
    )
    predictions = {"predictions": predicted.outputs["predictions"]}
    evaluated = place_on_cpu(cross_evaluate(**data, **predictions), "Compare networks and raters")
    mixed = place_on_cpu(evaluate_mixing(**data, **predictions), "Compare networks of mixed labels")
    classified = place_on_gpu(
        classify_sources(**data, **predictions, classifier=classifier), "Tell raters apart by their masks"
    )
    results = {
        **predictions,
        "cross_evaluation": evaluated.outputs["cross_evaluation"],
        "mixing_evaluation": mixed.outputs["mixing_evaluation"],
        "classification": classified.outputs["classification"],
    }
    reported = place_on_cpu(
        write_report(**data, networks=dsl.Collected(trained.outputs["networks"]), **results), "Write report"
    )
    return RaterBiasOutputs(report=reported.outputs["report"], **results)
