"""The pipeline `crowd-disagreement`: is the disagreement of annotators informative?"""

from typing import NamedTuple

from kfp import dsl

from components.crowd_disagreement.analyse_disagreement import analyse_disagreement
from components.crowd_disagreement.fetch_annotations import fetch_annotations
from components.crowd_disagreement.write_disagreement_report import write_disagreement_report
from pipelines.resources import place_on_cpu

DESCRIPTION = """Is the disagreement of annotators informative?

Tells an outcome from ratings of several annotators, or from the disagreement of the sources of a study: from \
everything, from the consensus, and from disagreement alone (Cheplygina and Pluim 2018). Of ratings the answer is \
whether disagreement alone tells more than chance, of masks whether it tells more than their size. Give either ratings \
and outcomes, or study.

- ratings: CSV table of ratings, an s3:// URL (or a path, in a local run); long (case_id, annotator, feature, value) \
or one column per feature and annotator
- outcomes: CSV table with the outcome of each case, an s3:// URL (or a path, in a local run)
- study: address of a study's git repository, a folder or URL
- revision: commit, branch or tag of the study; empty for the newest commit
- sources: label sets of the study to compare, as a,b,c; empty for all that are not derived from others
- outcome: column with two classes; empty for the only one of the table, or that named in study.yaml
- positive: value of the positive class; empty for 1, yes or true, or else the last in alphabetical order
- columns: pattern of the columns of ratings, as {feature}_{annotator}; empty to guess it
- preset: ratings, cheplygina2018, or the path of a YAML file
- folds: folds of the cross-validation; 0 takes the preset's
"""


class CrowdDisagreementOutputs(NamedTuple):
    """What the pipeline leaves."""

    report: dsl.HTML
    crowd_evaluation: dsl.Dataset


@dsl.pipeline(name="crowd-disagreement", display_name="Crowd disagreement", description=DESCRIPTION)
def crowd_disagreement(
    ratings: str = "",
    outcomes: str = "",
    study: str = "",
    revision: str = "",
    sources: str = "",
    outcome: str = "",
    positive: str = "",
    columns: str = "",
    preset: str = "ratings",
    folds: int = 0,
) -> CrowdDisagreementOutputs:
    """Fetch, predict the outcome, report."""
    fetched = place_on_cpu(
        fetch_annotations(ratings=ratings, outcomes=outcomes, study=study, revision=revision, sources=sources),
        "Fetch annotations",
    )
    analysed = place_on_cpu(
        analyse_disagreement(
            annotations=fetched.outputs["annotations"],
            sources=sources,
            outcome=outcome,
            positive=positive,
            columns=columns,
            preset=preset,
            folds=folds,
        ),
        "Predict the outcome",
    )
    results = {"crowd_evaluation": analysed.outputs["crowd_evaluation"]}
    reported = place_on_cpu(write_disagreement_report(**results), "Write report")
    return CrowdDisagreementOutputs(report=reported.outputs["report"], **results)
