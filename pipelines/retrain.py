"""The pipeline `retrain`: are my networks up to date with their labels?"""

from typing import NamedTuple

from kfp import dsl

from components.retrain.find_changes import find_changes
from components.retrain.judge_challengers import judge_challengers
from components.retrain.note_nothing_new import note_nothing_new
from components.retrain.plan_retraining import plan_retraining
from components.retrain.predict_challengers import predict_challengers
from components.retrain.register_challengers import register_challengers
from components.retrain.write_retraining_report import write_retraining_report
from components.shared.fetch_study import fetch_study
from components.shared.train_networks import train_networks
from pipelines.resources import place_on_cpu, place_on_gpu, read_parallelism

DESCRIPTION = """Are my networks up to date with their labels?

Trains a network anew whose labels changed since the champion was trained, and registers it in MLflow. It becomes \
champion where it is surely not worse than the best champion so far, nor off in its loads, on subjects that no network \
learnt; it is refused where it is worse or learnt too little, and where that cannot be told a human decides. \
Where nothing changed, nothing is trained.

- study: address of the study's git repository, a folder or URL
- revision: commit, branch or tag of the study; empty for the newest commit
- sources: label sets with a network each, as a,b,c; empty for all raters
- mixes: pairs of label sets with a network that learns both, as a+b,a+c; empty for none
- reference: label set that all networks are judged by; empty for the one that each learns
- preset: settings of network and training: demo, cells, schwartzman2019, or the path of a YAML \
file, one of the study's repository for example
- epochs: upper bound of epochs; 0 takes the preset's
- dice_margin: mean Dice that a new network may lose against the best champion so far
- load_bias_limit: how far its mean load may lie from the reference's, as a share of the latter
- risk: share of networks worse by just the margin that may become champion; 0.05 where a bad network is costly, which \
needs more held-out subjects
"""


class RetrainOutputs(NamedTuple):
    """What the pipeline leaves."""

    report: dsl.HTML
    decisions: dsl.Artifact


@dsl.pipeline(name="retrain", display_name="Retrain on new labels", description=DESCRIPTION)
def retrain(
    study: str,
    revision: str = "",
    sources: str = "",
    mixes: str = "",
    reference: str = "",
    preset: str = "demo",
    epochs: int = 0,
    dice_margin: float = 0.03,
    load_bias_limit: float = 0.3,
    risk: float = 0.2,
) -> RetrainOutputs:
    """Look for new labels; train, judge and register only where there are some."""
    found = place_on_cpu(
        find_changes(
            study_uri=study,
            revision=revision,
            sources=sources,
            mixes=mixes,
            reference=reference,
            preset=preset,
            epochs=epochs,
            dice_margin=dice_margin,
            load_bias_limit=load_bias_limit,
            risk=risk,
        ),
        "Look for new labels",
    )
    changes = {"changes": found.outputs["changes"]}
    with dsl.If(found.outputs["changed"] != "", name="new-labels"):
        fetched = place_on_cpu(
            fetch_study(study_uri=study, revision=found.outputs["revision"], sources=found.outputs["sources"]),
            "Fetch study",
        )
        data = {"study": fetched.outputs["study"]}
        planned = place_on_cpu(plan_retraining(**data, **changes), "Plan trainings")
        plan = {"plan": planned.outputs["plan"]}
        with dsl.ParallelFor(
            planned.outputs["Output"], name="batches-of-trainings", parallelism=read_parallelism()
        ) as jobs:
            trained = place_on_gpu(train_networks(**data, **plan, jobs=jobs), "Train networks")
        networks = trained.outputs["networks"]
        predicted = place_on_gpu(
            predict_challengers(**data, **changes, **plan, networks=dsl.Collected(networks)), "Predict held-out cases"
        )
        judged = place_on_cpu(
            judge_challengers(
                **data,
                **changes,
                **plan,
                networks=dsl.Collected(networks),
                predictions=predicted.outputs["predictions"],
            ),
            "Apply the gate",
        )
        registered = place_on_cpu(
            register_challengers(
                **changes, **plan, networks=dsl.Collected(networks), judgement=judged.outputs["judgement"]
            ),
            "Register networks",
        )
    with dsl.Else(name="nothing-new"):
        idle = place_on_cpu(note_nothing_new(**changes), "Nothing new")
    reported = place_on_cpu(
        write_retraining_report(**changes, outcome=dsl.OneOf(registered.output, idle.output)), "Write report"
    )
    return RetrainOutputs(report=reported.outputs["report"], decisions=reported.outputs["decisions"])
