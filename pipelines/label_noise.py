"""The pipeline `label-noise`: how much do imperfect labels matter?"""

from typing import NamedTuple

from kfp import dsl

from components.label_noise.evaluate_noise import evaluate_noise
from components.label_noise.plan_noise_trainings import plan_noise_trainings
from components.label_noise.write_noise_report import write_noise_report
from components.shared.fetch_study import fetch_study
from components.shared.make_label_variants import make_label_variants
from components.shared.predict_cases import predict_cases
from components.shared.train_networks import train_networks
from pipelines.resources import place_on_cpu, place_on_gpu, read_parallelism

DESCRIPTION = """How much do imperfect labels matter?

Perturbs the labels of one source to several degrees, trains networks on each variant and compares them with the clean \
labels of held-out cases (Heller et al. 2018). Verdicts allow for the luck of training.

- study: address of the study's git repository, a folder or URL
- revision: commit, branch or tag of the study; empty for the newest commit
- source: the clean label set; empty for the first rater
- variants: perturbations with the Dice that they leave, as natural-0.90,choppy-0.85,random-0.95
- redraw: never for one fixed set of labels per variant, recorded on a branch of the study; every_epoch to draw new \
errors while training
- networks: architectures, as unet,segnet,fcn32
- preset: settings of training: small-3d, small-2d, heller2018-small (images of 64×64 as the organ demo), heller2018, \
or the path of a YAML file, one of the study's repository for example
- folds: rounds of the cross-validation; each case is held out in one of them; 1 where cases.csv has a column split
- repeats: trainings per network, variant and fold, each with a seed of its own; from 2 on the luck of training can \
be measured, over 4 or more networks × variants

What it can find: a loss against clean labels of about 0.04 Dice with 18 subjects and folds=3 repeats=2, of about 0.03 \
with 35 subjects and folds=5 repeats=2, of about 0.05 with 30 held-out subjects of one split and repeats=2 \
(three of four such studies find a true loss of that size). Smaller losses cannot be told from luck. With one split, \
what is found holds for this split of training cases. Networks that learn little more from clean labels than a mask \
that ignores the image give no verdict. A loss may be a moved decision: the report also shows how much is outlined and \
the loss at the threshold that is best on clean validation labels.
"""
VARIANTS = ",".join(f"{mode}-{dice}" for mode in ("natural", "choppy", "random") for dice in ("0.95", "0.90", "0.85"))


class LabelNoiseOutputs(NamedTuple):
    """What the pipeline leaves."""

    report: dsl.HTML
    noise_evaluation: dsl.Dataset
    predictions: dsl.Dataset


@dsl.pipeline(name="label-noise", display_name="Label noise", description=DESCRIPTION)
def label_noise(
    study: str,
    revision: str = "",
    source: str = "",
    variants: str = VARIANTS,
    redraw: str = "never",
    networks: str = "unet,segnet,fcn32",
    preset: str = "small-3d",
    folds: int = 3,
    repeats: int = 2,
) -> LabelNoiseOutputs:
    """Train on perturbed labels, compare with clean ones."""
    fetched = place_on_cpu(fetch_study(study_uri=study, revision=revision, sources=source), "Fetch study")
    varied = place_on_cpu(
        make_label_variants(fetched_study=fetched.outputs["study"], source=source, variants=variants, redraw=redraw),
        "Make label variants",
    )
    data = {"study": varied.outputs["study"]}
    perturbed = {"label_variants": varied.outputs["label_variants"]}
    planned = place_on_cpu(
        plan_noise_trainings(
            **data,
            **perturbed,
            networks=networks,
            preset=preset,
            folds=folds,
            repeats=repeats,
        ),
        "Plan trainings",
    )
    data |= {"plan": planned.outputs["plan"]}
    with dsl.ParallelFor(
        planned.outputs["Output"], name="batches-of-trainings", parallelism=read_parallelism()
    ) as jobs:
        trained = place_on_gpu(train_networks(**data, jobs=jobs), "Train networks")
    predicted = place_on_gpu(
        predict_cases(**data, networks=dsl.Collected(trained.outputs["networks"])), "Predict held-out cases"
    )
    evaluated = place_on_cpu(
        evaluate_noise(
            **data,
            **perturbed,
            networks=dsl.Collected(trained.outputs["networks"]),
            predictions=predicted.outputs["predictions"],
        ),
        "Compare with clean labels",
    )
    results = {"noise_evaluation": evaluated.outputs["noise_evaluation"]}
    reported = place_on_cpu(
        write_noise_report(**data, **perturbed, **results, networks=dsl.Collected(trained.outputs["networks"])),
        "Write report",
    )
    return LabelNoiseOutputs(report=reported.outputs["report"], predictions=predicted.outputs["predictions"], **results)
