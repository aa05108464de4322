"""The pipeline `mask-size`: do the raters outline equally much?"""

from typing import NamedTuple

from components.mask_size.measure_sizes import measure_sizes
from kfp import dsl

from components.shared.fetch_study import fetch_study
from pipelines.resources import place_on_cpu

DESCRIPTION = """Do the raters outline equally much?

Compares the mean load of the masks of every rater.

- study: address of the study's git repository, a folder or URL
- revision: commit, branch or tag of the study; empty for the newest commit
- sources: label sets to compare, as a,b,c; empty for all raters
"""


class MaskSizeOutputs(NamedTuple):
    """What the pipeline leaves."""

    report: dsl.HTML
    mask_sizes: dsl.Dataset


@dsl.pipeline(name="mask-size", display_name="Mask size", description=DESCRIPTION)
def mask_size(study: str, revision: str = "", sources: str = "") -> MaskSizeOutputs:
    """Fetch, measure, report."""
    fetched = place_on_cpu(fetch_study(study_uri=study, revision=revision, sources=sources), "Fetch study")
    measured = place_on_cpu(measure_sizes(study=fetched.outputs["study"]), "Measure masks")
    return MaskSizeOutputs(report=measured.outputs["report"], mask_sizes=measured.outputs["mask_sizes"])
