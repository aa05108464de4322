"""What became of a difference in load between raters, in words."""

import math
from collections import Counter
from collections.abc import Sequence

from overread.evaluation.results import Interval, LoadOrder
from overread.evaluation.verdict import may_be_less
from overread.questions.rater_bias.results import Effect, SourcePair
from overread.report.formatting import NO_BREAK, format_count, format_number, join_names

_EFFECTS: dict[Effect, str] = {
    "amplified": "amplified it",
    "damped": "damped it",
    "passed on about as it was": "passed it on about as it was",
    "reversed": "turned it round",
}


def word_amplification(pairs: Sequence[SourcePair], *, matters: float, noun: str = "rater") -> str:
    """Say what became of the raters' differences in load.

    Args:
        pairs: the raters two by two.
        matters: smallest relative change that matters.
        noun: what to call a source.
    """
    if not pairs:
        return f"Loads cannot be compared: no case was outlined by two {noun}s and by both of their networks."
    return _word_pair(pairs[0], matters, noun) if len(pairs) == 1 else _word_many(pairs, noun)


def write_share(interval: Interval, *, sign: float = 1.0) -> str:
    """Write a relative difference with its bounds: "48 % (30 % to 66 %)"; the bounds only where they are known."""
    ends = sorted((sign * interval.low, sign * interval.high))
    if not all(map(math.isfinite, ends)):
        return f"{_percent(sign * interval.estimate)} (no valid interval)"
    return f"{_percent(sign * interval.estimate)} ({_percent(ends[0])} to {_percent(ends[1])})"


def _percent(share: float) -> str:
    return f"{format_number(100 * share, 0)}{NO_BREAK}%"


def _word_pair(pair: SourcePair, matters: float, noun: str) -> str:
    found = pair.load_differences
    sign = -1.0 if found.raters.estimate < 0 else 1.0
    relation, of_raters, of_networks = _describe_orders(pair, is_less=sign > 0)
    if pair.effect == "learnt too little":
        return (
            f"{pair.first} measured {relation} than {pair.second} in {of_raters}. The networks learnt too little to "
            "say what training made of this difference."
        )
    return (
        f"{pair.first} measured {relation} than {pair.second} in {of_raters}; its network measured {relation} than the "
        f"other network in {of_networks}. The {noun}s' loads differ by {write_share(found.raters, sign=sign)} of their "
        f"mean, those of their networks by {write_share(found.networks, sign=sign)} in the same direction. "
        f"{_conclude(pair, matters, noun)}"
    )


def _describe_orders(pair: SourcePair, *, is_less: bool) -> tuple[str, str, str]:
    return (
        "less" if is_less else "more",
        _count(pair.source_order, is_less=is_less),
        _count(pair.network_order, is_less=is_less),
    )


def _count(order: LoadOrder, *, is_less: bool) -> str:
    return f"{order.below if is_less else order.above} of {format_count(order.case_count, 'case')}"


def _conclude(pair: SourcePair, matters: float, noun: str) -> str:
    found = pair.load_differences.change
    change = write_share(found)
    match pair.effect:
        case "amplified":
            less = f" It may be less than {_percent(matters)}." if may_be_less(found, matters=matters) else ""
            return f"Training amplified the difference, by {change}.{less}"
        case "damped":
            return f"Training damped the difference, by {write_share(found, sign=-1)}."
        case "passed on about as it was":
            limit = f"less than the {_percent(matters)} that this page calls a difference"
            return f"Training passed the difference on about as it was: it changed by {change}, {limit}."
        case "reversed":
            return f"The networks lie in the opposite order to the {noun}s: they did not take over this difference."
        case "raters do not differ clearly":
            return f"The {noun}s' loads do not differ clearly, so there is nothing to amplify."
        case _:
            return f"Whether training amplified or damped the difference cannot be told: it changed by {change}."


def _word_many(pairs: Sequence[SourcePair], noun: str) -> str:
    effects = Counter(pair.effect for pair in pairs)
    opening = f"Over {format_count(len(pairs), 'pair')} of {noun}s"
    found = [f"{words} in {effects[effect]}" for effect, words in _EFFECTS.items() if effects[effect]]
    rest = []
    if count := effects["cannot tell"]:
        rest.append(f"what it did cannot be told in {count}")
    if count := effects["raters do not differ clearly"]:
        rest.append(f"the {noun}s' loads do not differ clearly in {count}")
    if count := effects["learnt too little"]:
        rest.append(f"the networks learnt too little in {count}")
    if not found:
        return f"{opening} no effect of training on the difference in load was shown: {join_names(rest)}."
    found[0] = found[0].replace(" it", " the difference in load", 1)
    return f"{opening}, training {join_names(found)}{'; ' if rest else ''}{join_names(rest)}."
