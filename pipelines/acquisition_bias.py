"""The pipeline `acquisition-bias`: can an image tell how it was acquired?"""

from typing import NamedTuple

from kfp import dsl

from components.acquisition_bias.evaluate_probes import evaluate_probes
from components.acquisition_bias.plan_probes import plan_probes
from components.acquisition_bias.train_probes import train_probes
from components.acquisition_bias.write_probe_report import write_probe_report
from components.shared.fetch_study import fetch_study
from pipelines.resources import place_on_cpu, place_on_gpu, read_parallelism

DESCRIPTION = """Can an image tell how it was acquired?

Trains probes to name the manufacturer, or any other column of cases.csv, from whole slices, padding and air, the \
body and the noise in it, under cross-validation by subject ("Name that manufacturer"). A region is told where its \
AUROC within folds lies clearly above chance, by a test corrected over the regions; else the verdict is "cannot tell".

- study: address of the study's git repository, a folder or URL
- revision: commit, branch or tag of the study; empty for the newest commit
- column: column of cases.csv that the probes are to name
- classes: values of the column to tell apart, as a,b; empty for all
- preset: settings of slices and probes: small, name-that-manufacturer, or the path of a YAML \
file, one of the study's repository for example; its "shuffles" (19 or more) train all probes anew on shuffled \
classes, which finds more
- folds: rounds of the cross-validation, 3 or more; 0 takes the preset's, which "small" sets to 10 from 40 \
subjects on (and 10 of each class), else to 5
- seed: seeds matching by age and sex, folds, initialisation, slices and shuffles
"""


class AcquisitionBiasOutputs(NamedTuple):
    """What the pipeline leaves."""

    report: dsl.HTML
    acquisition_evaluation: dsl.Dataset


@dsl.pipeline(name="acquisition-bias", display_name="Acquisition bias", description=DESCRIPTION)
def acquisition_bias(
    study: str,
    revision: str = "",
    column: str = "manufacturer",
    classes: str = "",
    preset: str = "small",
    folds: int = 0,
    seed: int = 0,
) -> AcquisitionBiasOutputs:
    """Train a probe per kind of region and round, and see which of them can name the class."""
    fetched = place_on_cpu(fetch_study(study_uri=study, revision=revision, sources="", labels=False), "Fetch images")
    images = {"study": fetched.outputs["study"]}
    planned = place_on_cpu(
        plan_probes(**images, column=column, classes=classes, preset=preset, folds=folds, seed=seed), "Plan probes"
    )
    data = {**images, "plan": planned.outputs["plan"]}
    with dsl.ParallelFor(planned.outputs["Output"], name="batches-of-probes", parallelism=read_parallelism()) as jobs:
        trained = place_on_gpu(train_probes(**data, jobs=jobs), "Train probes")
    evaluated = place_on_cpu(
        evaluate_probes(**data, probes=dsl.Collected(trained.outputs["probes"])), "Evaluate probes"
    )
    results = {"acquisition_evaluation": evaluated.outputs["acquisition_evaluation"]}
    reported = place_on_cpu(
        write_probe_report(**data, probes=dsl.Collected(trained.outputs["probes"]), **results), "Write report"
    )
    return AcquisitionBiasOutputs(report=reported.outputs["report"], **results)
