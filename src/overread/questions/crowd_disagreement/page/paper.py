"""The paper's results, for comparison."""

from collections.abc import Mapping

from overread.questions.crowd_disagreement.feature_sets import CONSENSUS

PAPER_PRESET = "cheplygina2018"

PAPER_AUC: Mapping[str, str] = {
    "all": "0.96",
    "feature:Asymmetry": "0.78",
    "feature:Color": "0.93",
    "feature:Border": "0.82",
    "feature:Dermo": "0.81",
    "feature:Blue": "0.73",
    CONSENSUS: "0.99",
    "std": "0.71",
    "skewness": "0.73",
}
"""Mean AUC of one 10-fold cross-validation, by the key of the set of features, as section 3 of the paper gives them.

The figure of asymmetry is the other one of "0.78 and 0.73", the second of which the text gives to blue glow.
"""

PAPER_ANNOTATORS = "0.90–0.98"
"""Range over the annotators; which of them has which value is only in a figure."""


def quote_paper(key: str) -> str:
    """What the paper gives for a set of features, as text; empty where its text gives nothing."""
    return PAPER_ANNOTATORS if key.startswith("annotator:") else PAPER_AUC.get(key, "")
