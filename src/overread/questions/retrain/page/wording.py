"""The answer of the report of `retrain`, for every way in which a run can turn out."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from overread.questions.retrain.page.names import is_up_to_date, write_day, write_revision, write_version
from overread.questions.retrain.page.reasons import word_cautions, word_reasons
from overread.questions.retrain.records import KeptNetwork, NetworkDecision, RetrainingOutcome
from overread.report.answer import Verdict
from overread.report.formatting import format_count, join_names


@dataclass(frozen=True)
class RetrainingAnswer:
    """The answer to "are the networks up to date?".

    Attributes:
        verdict: `yes` where every champion learnt the newest labels, else `not-shown`.
        lead: the first words, to be set in bold.
        rest: the sentence that goes on from there: what became of the networks that were trained.
        details: further paragraphs: why a challenger was refused or is not surely good, how the other networks stand.
    """

    verdict: Verdict
    lead: str
    rest: str
    details: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """Lead and rest as plain text."""
        return f"{self.lead} {self.rest}"


def word_retraining_answer(outcome: RetrainingOutcome) -> RetrainingAnswer:
    """Answer "are the networks up to date?" after the decisions of the run."""
    networks = outcome.changes.networks
    decision_of = {decision.judgement.network.labels: decision for decision in outcome.decisions}
    fresh = [network for network in networks if is_up_to_date(network, decision_of.get(network.labels))]
    return RetrainingAnswer(
        verdict="yes" if len(fresh) == len(networks) else "not-shown",
        lead=_word_lead(len(fresh), len(networks), is_idle=not outcome.decisions),
        rest=_word_decisions(outcome.decisions) if outcome.decisions else _word_idle(outcome),
        details=(*_explain_decisions(outcome.decisions), *_tell_others(networks, decision_of)),
    )


def _word_lead(fresh: int, count: int, *, is_idle: bool) -> str:
    if fresh == count:
        return "Yes, nothing is new:" if is_idle else "Yes:"
    if is_idle:
        return "Nothing is new:"
    return "In part:" if fresh else "Not yet:"


def _word_idle(outcome: RetrainingOutcome) -> str:
    revision = write_revision(outcome.changes.revision)
    if any(network.state == "judged" for network in outcome.changes.networks):
        return f"every network was judged on the labels of revision {revision} before, so nothing was trained."
    return f"the labels of revision {revision} are those that the champions learnt, so nothing was trained."


def _word_decisions(decisions: Sequence[NetworkDecision]) -> str:
    clauses = []
    for place, decision in enumerate(decisions):
        start = "that of" if place else "the new network of"
        labels = decision.judgement.network.labels
        clauses.append(f"{start} {labels}, {write_version(decision.version)}, {_word_decision(decision)}")
    return f"{'; '.join(clauses)}."


def _word_decision(decision: NetworkDecision) -> str:
    before, now = decision.judgement.network.champion, decision.champion
    if not decision.is_promoted:
        use = "there is no champion yet" if now is None else f"{write_version(now)} stays in use"
        return f"was refused, and {use}"
    if now != decision.version:
        return f"was promoted, but {'no version' if now is None else write_version(now)} is in use now"
    return "is its first champion" if before is None else f"takes the place of {write_version(before)}"


def _explain_decisions(decisions: Sequence[NetworkDecision]) -> Iterator[str]:
    for decision in decisions:
        judged = decision.judgement
        if reasons := word_reasons(decision):
            yield f"Why {judged.network.labels} was refused: {' '.join(reasons)}"
        elif not judged.figures.passes:
            yield (
                f"{write_version(decision.version).capitalize()} of {judged.network.labels} does not keep to the "
                "bounds of this run. It was promoted before, by hand or by a run with other bounds, and that stands."
            )
        elif cautions := word_cautions(judged):
            yield f"{judged.network.labels} passed, but not surely: {' '.join(cautions)}"


def _tell_others(networks: Sequence[KeptNetwork], decision_of: Mapping[str, NetworkDecision]) -> Iterator[str]:
    others = [network for network in networks if network.labels not in decision_of]
    if current := [network for network in others if network.state == "current"]:
        told = [f"{network.labels} ({_word_use(network)})" for network in current]
        yield f"{'Nothing new for' if decision_of else 'In use:'} {join_names(told)}."
    for network in others:
        if network.state == "judged":
            yield f"{network.labels}: {_word_judged(network)}."


def _word_use(network: KeptNetwork) -> str:
    since = f" since {write_day(network.champion_since)}" if network.champion_since is not None else ""
    learnt = f", learnt from revision {write_revision(network.champion_revision)}" if network.champion_revision else ""
    return f"{write_version(network.champion)}{since}{learnt}"


def _word_judged(network: KeptNetwork) -> str:
    known = "these labels were judged before, and the challenger that learnt them was refused or taken back"
    if network.champion is None:
        return f"{known}. There is no champion"
    return f"{known}. In use: {_word_use(network)}, {format_count(network.revisions_behind, 'revision')} behind"
