"""Names of the rules, and what earlier settings called them."""

from typing import Literal, TypeAlias

RuleName: TypeAlias = Literal["paper", "contradicted", "edge", "clean"]
RuleChoice: TypeAlias = Literal["auto"] | RuleName
RULE_DESCRIPTION = (
    "paper: all uncertain voxels change sides; contradicted: those whose label the mean prediction contradicts; edge: "
    "labels grow to the edges of the images; clean: as a few clean cases say; auto: contradicted where a threshold is "
    "named, clean where clean cases are, else edge"
)


def settle_name(rule: RuleChoice, threshold: float | None, *, has_clean_cases: bool) -> RuleName:
    """The rule that `auto` stands for, any other as it is.

    Args:
        rule: what was chosen.
        threshold: on uncertainty, where one is named.
        has_clean_cases: whether cases were named whose clean labels may be looked at.
    """
    if rule != "auto":
        return rule
    if has_clean_cases and threshold is None:
        return "clean"
    return "edge" if threshold is None else "contradicted"


def translate_earlier(values: object) -> object:
    """Read settings that name `flips` and `largest_change`, which rule and guards say otherwise."""
    if not isinstance(values, dict):
        return values
    changed = dict(values)
    if "flips" in changed and "rule" not in changed:
        flips = changed.pop("flips")
        changed["rule"] = "paper" if flips == "uncertain" else flips
    if "largest_change" in changed and "guards" not in changed:
        changed["guards"] = {"largest_change": changed.pop("largest_change")}
    return changed
