"""The pipeline `relabel`: where are labels wrong, and does it help to repair them?"""

from typing import NamedTuple

from kfp import dsl

from components.relabel.evaluate_relabelling import evaluate_relabelling
from components.relabel.plan_corrections import plan_corrections
from components.relabel.relabel_sources import relabel_sources
from components.relabel.write_relabel_report import write_relabel_report
from components.shared.fetch_study import fetch_study
from components.shared.make_label_variants import make_label_variants
from components.shared.predict_cases import predict_cases
from components.shared.train_networks import train_networks
from pipelines.resources import place_on_cpu, place_on_gpu, read_parallelism

DESCRIPTION = """Where are labels wrong, and does it help to repair them?

Trains networks, relabels voxels where they are uncertain before they learn errors by heart, goes on with the new \
labels and lists what a human should look at (Redekop and Chernyavskiy 2021).

- study: address of the study's git repository, a folder or URL
- revision: commit, branch or tag of the study; empty for the newest commit
- source: the labels to repair, or the clean ones that noise is added to; empty for the first rater
- clean_source: labels that count as clean, to compare with; empty for those that noise is added to, or for none
- noise: errors to add first, as polygon-3,polygon-7,polygon-7-smooth,natural-0.85; empty to repair labels as they are
- method: how uncertainty is estimated, of tta,mc_dropout,ensemble; the first repairs all labels, the others are \
compared with it on the first noise
- relabel_after: uncertainty (the epoch in which it falls fastest), clean (best Dice with the clean labels of the \
validation cases), clean:case-1+case-2 (of these cases), or the number of an epoch
- preset: settings of training: relabel-3d, relabel-2d, relabel-skin, redekop2021, or the path of a YAML \
file, one of the study's repository for example; it also says by which rule labels are repaired. Unless it names one, \
that is clean where a clean_source is named, else edge, which looks at no clean label
- epochs: epochs of every training; 0 takes the preset's
- repeats: trainings of each kind (clean labels, no correction, reweighting, relabelling) and fold, each with its own \
seed; with a single one the luck of a training can hardly be told from a gain

With three folds (the presets') and two repeats, such a study finds a gain of Dice of about 0.06 with 8 held-out \
subjects, 0.04 with 18 or 35, three times out of four; a gain within 0.02 is called no difference. Where the study \
says which cases are held out, two repeats take four kinds of trainings, and what is found holds for that split alone.
"""


class RelabelOutputs(NamedTuple):
    """What the pipeline leaves."""

    report: dsl.HTML
    relabel_evaluation: dsl.Dataset
    review: dsl.Dataset
    predictions: dsl.Dataset


@dsl.pipeline(name="relabel", display_name="Relabel", description=DESCRIPTION)
def relabel(
    study: str,
    revision: str = "",
    source: str = "",
    clean_source: str = "",
    noise: str = "",
    method: str = "tta",
    relabel_after: str = "uncertainty",
    preset: str = "relabel-3d",
    epochs: int = 0,
    repeats: int = 2,
) -> RelabelOutputs:
    """Train, relabel where networks are uncertain, go on, compare."""
    fetched = place_on_cpu(
        fetch_study(study_uri=study, revision=revision, sources=source, further_sources=clean_source), "Fetch study"
    )
    noisy = place_on_cpu(
        make_label_variants(fetched_study=fetched.outputs["study"], source=source, variants=noise, redraw="never"),
        "Add noise to labels",
    )
    perturbed = {"label_variants": noisy.outputs["label_variants"]}
    planned = place_on_cpu(
        plan_corrections(
            study=noisy.outputs["study"],
            **perturbed,
            clean_source=clean_source,
            method=method,
            relabel_after=relabel_after,
            preset=preset,
            epochs=epochs,
            repeats=repeats,
        ),
        "Plan trainings",
    )
    plan = {"plan": planned.outputs["plan"]}
    with dsl.ParallelFor(
        planned.outputs["Output"], name="batches-of-trainings", parallelism=read_parallelism()
    ) as jobs:
        trained = place_on_gpu(
            train_networks(study=noisy.outputs["study"], **plan, jobs=jobs), "Train, relabel and go on"
        )
    predicted = place_on_gpu(
        predict_cases(study=noisy.outputs["study"], **plan, networks=dsl.Collected(trained.outputs["networks"])),
        "Predict held-out cases",
    )
    repaired = place_on_cpu(
        relabel_sources(
            noisy_study=noisy.outputs["study"],
            **plan,
            **perturbed,
            networks=dsl.Collected(trained.outputs["networks"]),
        ),
        "Relabel all cases",
    )
    data = {"study": repaired.outputs["study"], **plan}
    evaluated = place_on_cpu(
        evaluate_relabelling(
            **data,
            **perturbed,
            sources=repaired.outputs["sources"],
            networks=dsl.Collected(trained.outputs["networks"]),
            predictions=predicted.outputs["predictions"],
        ),
        "Compare with clean and noisy labels",
    )
    results = {"relabel_evaluation": evaluated.outputs["relabel_evaluation"]}
    reported = place_on_cpu(write_relabel_report(**data, **results), "Write report")
    return RelabelOutputs(
        report=reported.outputs["report"],
        review=repaired.outputs["review"],
        predictions=predicted.outputs["predictions"],
        **results,
    )
