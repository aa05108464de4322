"""The sentences about a retraining: names, reasons and outcomes."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from overread.evaluation.results import Interval
from overread.evaluation.skill import Skill
from overread.questions.retrain.gate.settings import FEWEST_SUBJECTS
from overread.questions.retrain.gate.wording import describe_chances
from overread.questions.retrain.page.gate import (
    is_known,
    judge_difference,
    judge_load_bias,
    write_bias,
    write_difference,
    write_limit,
)
from overread.questions.retrain.records import KeptNetwork, NetworkDecision, NetworkJudgement, RetrainingOutcome
from overread.report.answer import Mark
from overread.report.formatting import (
    ABSENT,
    MINUS,
    NO_BREAK,
    WrittenInterval,
    format_count,
    format_dice,
    format_number,
    join_names,
)

_COMMIT_DIGITS = 7


def write_version(version: int | None) -> str:
    """A version of a registered network; "–" where there is none."""
    return ABSENT if version is None else f"version{NO_BREAK}{version}"


def write_revision(revision: str) -> str:
    """As many digits of a commit as git shows."""
    return revision[:_COMMIT_DIGITS] or ABSENT


def write_day(timestamp: float | None) -> str:
    """Day of a time in seconds since 1970, in UTC; "–" where it is not known."""
    if timestamp is None:
        return ABSENT
    day = datetime.fromtimestamp(timestamp, UTC)
    return f"{day.day}{NO_BREAK}{day:%B}{NO_BREAK}{day.year}"


def is_up_to_date(network: KeptNetwork, decision: NetworkDecision | None) -> bool:
    """Whether the champion, after the decision of the run if there is one, learnt the newest labels."""
    return network.state == "current" if decision is None else decision.champion == decision.version


_HYPHEN_AS_MINUS = re.compile(r"(?<![\w-])-(?=\d)")


def word_reasons(decision: NetworkDecision) -> tuple[str, ...]:
    """Why a challenger is on hold or was refused, a sentence each; empty where it was promoted.

    What was written down by another run or by a human, or is not about the gate's figures, is repeated as it is.
    """
    figures = decision.judgement.figures
    if decision.is_promoted:
        return ()
    if decision.reasons in (figures.reasons, figures.doubts):
        return _word_figures(decision.judgement)
    return tuple(_set_minus_signs(reason) for reason in decision.reasons)


def word_chances(judged: NetworkJudgement) -> str:
    """What such a comparison lets through, with the worst subject; empty where nothing was compared."""
    return _set_minus_signs(describe_chances(judged.figures, judged.settings))


def word_present_champion(judged: NetworkJudgement) -> str:
    """The difference with the champion in use where another one was compared with; empty where none was."""
    difference = judged.figures.champion_difference
    if difference is None:
        return ""
    written = _write(difference, write_difference(difference, judged.settings))
    return (
        f"Beside the decision: against {write_version(judged.network.champion)}, which is in use, the difference of "
        f"Dice is {written}. {write_version(judged.figures.anchor).capitalize()} was better on these cases, so it is "
        "the one that is compared with."
    )


def _set_minus_signs(text: str) -> str:
    return _HYPHEN_AS_MINUS.sub(MINUS, text)


def _word_figures(judged: NetworkJudgement) -> tuple[str, ...]:
    figures, settings = judged.figures, judged.settings
    difference, bias = figures.dice_difference, figures.load_bias
    found = [_word_too_little(figures.skill)] if figures.skill and figures.has_learnt_too_little else []
    if figures.has_few_subjects:
        return tuple(found) or (_word_few_subjects(judged),)
    is_refused = figures.verdict == "refuse"
    wanted = "not kept" if is_refused else "unsure"
    if difference is not None and judge_difference(difference, settings) == wanted:
        found.append(_word_dice(difference, judged, "is" if is_refused else "may be"))
    if bias is None and not is_refused:
        found.append(
            f"Its load bias cannot be told: {judged.network.reference} outlines nothing in the cases that count."
        )
    elif bias is not None and judge_load_bias(bias, settings) == wanted:
        found.append(_word_load_bias(bias, judged, "are" if is_refused else "may be"))
    return tuple(found)


def _word_too_little(skill: Skill) -> str:
    return (
        f"It learnt too little: its Dice is {format_dice(skill.own)}, that of a mask which ignores the image "
        f"{format_dice(skill.guess)}. This is a skill of {format_number(skill.value, 2)}, and {skill.limit:g} is asked "
        "for."
    )


def _word_few_subjects(judged: NetworkJudgement) -> str:
    count, reference = judged.figures.subject_count, judged.network.reference
    only = format_count(count, "held-out subject") + (" counts" if count == 1 else " count")
    start = f"Only {only}, and with fewer than {FEWEST_SUBJECTS} nothing can be told."
    if not judged.other_cases:
        return f"{start} {reference} has outlined no more of them."
    others = format_count(len(judged.other_cases), "case")
    is_one = len(judged.other_cases) == 1
    return (
        f"{start} {others} {'does' if is_one else 'do'} not count, because {reference}'s mask of "
        f"{'it' if is_one else 'them'} is new or was changed since the champion was judged."
    )


def _word_dice(difference: Interval, judged: NetworkJudgement, verb: str) -> str:
    written = _write(difference, write_difference(difference, judged.settings))
    best = f"that of the best champion so far, {write_version(judged.figures.anchor)},"
    return (
        f"Its Dice {verb} lower than {best} by more than {judged.settings.dice_margin:g}: the difference is {written}."
    )


def _word_load_bias(bias: Interval, judged: NetworkJudgement, verb: str) -> str:
    written = _write(bias, write_bias(bias, judged.settings))
    limit = write_limit(judged.settings)
    return f"Its loads {verb} off those of {judged.network.reference} by more than {limit}: the bias is {written}."


def _write(interval: Interval, written: WrittenInterval) -> str:
    if not is_known(interval):
        return f"{written.estimate}, of unknown uncertainty, since all cases that count are of one subject"
    return f"{written.estimate} ({100 * interval.confidence:g}{NO_BREAK}% interval {written.bounds})"


@dataclass(frozen=True)
class RetrainingAnswer:
    """The answer to "are the networks up to date?".

    Attributes:
        verdict: `yes` where every champion learnt the newest labels, else `not-shown`.
        lead: the first words, to be set in bold.
        rest: the sentence that goes on from there: what became of the networks that were trained.
        details: further paragraphs: why a challenger is on hold or was refused, what such a comparison lets through,
            how the other networks stand.
    """

    verdict: Mark
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
    if any(network.state in ("held", "judged") for network in outcome.changes.networks):
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
        return f"is on hold until a human decides, and {use}" if decision.state == "held" else f"was refused, and {use}"
    if now != decision.version:
        return f"was promoted, but {'no version' if now is None else write_version(now)} is in use now"
    return "is its first champion" if before is None else f"takes the place of {write_version(before)}"


def _explain_decisions(decisions: Sequence[NetworkDecision]) -> Iterator[str]:
    for decision in decisions:
        judged = decision.judgement
        if reasons := word_reasons(decision):
            state = "is on hold" if decision.state == "held" else "was refused"
            yield f"Why {judged.network.labels} {state}: {' '.join(reasons)}"
        elif judged.figures.verdict != "promote":
            yield (
                f"{write_version(decision.version).capitalize()} of {judged.network.labels} does not surely keep to "
                "the bounds of this run. It was promoted before, by hand or by other bounds, and that stands."
            )
        if chances := word_chances(judged):
            yield f"{judged.network.labels}: {chances}"


def _tell_others(networks: Sequence[KeptNetwork], decision_of: Mapping[str, NetworkDecision]) -> Iterator[str]:
    others = [network for network in networks if network.labels not in decision_of]
    if current := [network for network in others if network.state == "current"]:
        told = [f"{network.labels} ({_word_use(network)})" for network in current]
        yield f"{'Nothing new for' if decision_of else 'In use:'} {join_names(told)}."
    for network in others:
        if network.state in ("held", "judged"):
            yield f"{network.labels}: {_word_judged(network)}."


def _word_use(network: KeptNetwork) -> str:
    since = f" since {write_day(network.champion_since)}" if network.champion_since is not None else ""
    learnt = f", learnt from revision {write_revision(network.champion_revision)}" if network.champion_revision else ""
    return f"{write_version(network.champion)}{since}{learnt}"


def _word_judged(network: KeptNetwork) -> str:
    known = "these labels were judged before, and the challenger that learnt them was refused or taken back"
    if network.state == "held":
        known = f"these labels were judged before, and {write_version(network.held)} is on hold until a human decides"
    if network.champion is None:
        return f"{known}. There is no champion"
    return f"{known}. In use: {_word_use(network)}, {format_count(network.revisions_behind, 'revision')} behind"
