"""From the name of a rule to the rule."""

from overread.errors import SettingsError
from overread.labels.relabel_rules.clean import CleanRule
from overread.labels.relabel_rules.contradicted import ContradictedRule
from overread.labels.relabel_rules.edge import EdgeRule
from overread.labels.relabel_rules.names import RuleName
from overread.labels.relabel_rules.paper import PaperRule
from overread.labels.relabel_rules.rule import RelabelRule


def select_rule(name: RuleName, threshold: float | None = None) -> RelabelRule:
    """The rule of a name.

    Args:
        name: of the rule.
        threshold: on uncertainty; None where the rule is to choose it, or has none.

    Raises:
        SettingsError: a threshold for a rule that looks at no uncertainty.
    """
    if name == "paper":
        return PaperRule(threshold)
    if name == "contradicted":
        return ContradictedRule(threshold)
    if threshold is not None:
        raise SettingsError(f"the rule {name} takes no threshold on uncertainty", found=threshold)
    return EdgeRule() if name == "edge" else CleanRule()
