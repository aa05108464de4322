"""The words of a verdict on any page, what its interval allows for, and what the design could have found."""

from collections.abc import Mapping
from dataclasses import dataclass

from overread.evaluation.results import Estimate, Obstacle
from overread.evaluation.skill import Skill
from overread.evaluation.verdict import Verdict, may_be_less
from overread.report.answer import Answer, Mark
from overread.report.formatting import (
    NO_BREAK,
    format_count,
    format_dice,
    format_duration,
    format_number,
    join_names,
    write_interval,
)
from overread.report.table import KeyFigure

LUCK = (
    "The interval allows for two kinds of luck: which subjects were held out, and how each training turned out, "
    "measured from repeats of the same training and from how far the folds differ. It is valid for other subjects and "
    "other trainings of this kind; it says nothing about other raters or about a different kind of data."
)
"""For the headline of every page whose estimates come from `estimate_mean`."""

LUCK_OF_ONE_SPLIT = (
    "The interval allows for two kinds of luck: which subjects were held out, and how each training turned out, "
    "measured from repeats of the same training over all conditions. All trainings learnt from one split of the cases, "
    "so the luck of that split is not in it; it says nothing about other raters or about a different kind of data."
)

LUCK_OF_FOLDS = (
    "The interval allows for two kinds of luck: which subjects were held out, and how each training turned out. Every "
    "network was trained once, so both are judged by how far the folds differ, which makes it wide. It is valid for "
    "other subjects and other trainings of this kind; it says nothing about other raters or about a different kind of "
    "data."
)

_LUCK_UNMEASURED = (
    "No interval is given: it would have to allow for which subjects were held out and for how each training turned "
    "out, and this study is too small to measure both."
)

MARKS: dict[Verdict, Mark] = {
    "learnt too little": "no-answer",
    "cannot tell": "not-shown",
    "no difference that matters": "no-difference",
    "yes": "yes",
    "the wrong way round": "reversed",
}
"""How a verdict is set on a page."""

BETTER_DESIGN = "folds=5 repeats=2"
BETTER_DESIGN_TRAININGS = 10

_OBSTACLES: dict[Obstacle, str] = {
    "": "",
    "few subjects": "fewer than 6 subjects were held out, too few for an interval that holds what it says",
    "few trainings": "the trainings are too few to tell a difference from luck in training",
    "many folds": "no interval is known to hold for more than 5 folds",
}


@dataclass(frozen=True)
class Claim:
    """What a difference above 0 means, in words that a verdict can take up.

    Attributes:
        holds: said where it is above 0, "the networks agree better with their own rater".
        reversed: said where it is below 0.
        hint: what to look at where it is below 0; empty for none.
    """

    holds: str
    reversed: str
    hint: str = ""


@dataclass(frozen=True)
class Advice:
    """What would let a study tell.

    Attributes:
        setting: what to set, "folds=5 repeats=2".
        trainings: "10 trainings per rater".
        seconds: how long these take one after the other, judged by those of the run; None where that is unknown.
    """

    setting: str = BETTER_DESIGN
    trainings: str = f"{BETTER_DESIGN_TRAININGS} trainings per source"
    seconds: float | None = None

    @property
    def sentence(self) -> str:
        """The advice as a sentence."""
        time = "" if self.seconds is None else f", about {format_duration(self.seconds)} one after the other"
        return f"Run with {self.setting} ({self.trainings}{time})."


def describe_luck(estimate: Estimate) -> str:
    """What the interval of an estimate over folds allows for; or that there is none."""
    if not estimate.is_valid:
        return _LUCK_UNMEASURED
    return LUCK_OF_FOLDS if estimate.is_trained_once else LUCK


def word_verdict(verdict: Verdict, estimate: Estimate, *, claim: Claim, matters: float, advice: Advice) -> Answer:
    """Word any verdict but "learnt too little", see `word_too_little`.

    Args:
        verdict: from `judge`.
        estimate: that it was reached by.
        claim: what the estimate is about.
        matters: smallest difference that matters, printed with what it decides.
        advice: what would let the study tell.
    """
    numbers = write_estimate(estimate)
    match verdict:
        case "yes":
            less = f" It may be less than {matters:g}." if may_be_less(estimate, matters=matters) else ""
            return Answer("yes", "Yes:", f"{claim.holds}, by {numbers}.{less}")
        case "the wrong way round":
            hint = f" {claim.hint}" if claim.hint else ""
            return Answer(
                "reversed", "A difference was shown, but the wrong way round:", f"{claim.reversed}, {numbers}.{hint}"
            )
        case "no difference that matters":
            rest = f"{numbers}, below the {matters:g} that this page calls a difference."
            return Answer("no-difference", "No difference that matters:", rest)
        case _:
            return Answer("not-shown", "Cannot tell:", _word_doubt(estimate, numbers, advice))


def word_too_little(skills: Mapping[str, Skill], *, noun: str = "rater") -> Answer:
    """Word the verdict "learnt too little", with the figures of the source whose networks learnt least.

    Args:
        skills: of the networks of each source, at least one of which has learnt too little.
        noun: what a source is called.
    """
    name, skill = min(skills.items(), key=lambda item: item[1].value)
    raters = "" if skill.raters is None else f", the {noun}s agree at {format_dice(skill.raters)}"
    rest = (
        f"Dice {format_dice(skill.own)} with {name}, their own {noun}; a mask that ignores the image gets "
        f"{format_dice(skill.guess)}{raters}. No verdict."
    )
    return Answer("no-answer", f"The networks learnt too little to show what a {noun} taught them:", rest)


def write_estimate(estimate: Estimate) -> str:
    """Write an estimate with its interval: "0.010 (95 % interval −0.016 to 0.036)"."""
    written = write_interval(estimate)
    if not estimate.is_valid:
        return f"{written.estimate} (no valid interval)"
    return f"{written.estimate} ({100 * estimate.confidence:g}{NO_BREAK}% interval {written.bounds})"


def list_design(estimate: Estimate, *, training_count: int, matters: float) -> list[KeyFigure]:
    """The design of a study as key figures: what it rests on and what it could have found.

    Args:
        estimate: the headline's.
        training_count: networks that were trained in all.
        matters: smallest difference that matters.
    """
    found = format_number(estimate.smallest_detectable, 3) if estimate.is_valid else "unknown"
    runs = "not measured" if estimate.run_std is None else format_number(estimate.run_std, 3)
    return [
        KeyFigure("Held-out subjects", str(estimate.subject_count)),
        KeyFigure(
            "Trainings", str(training_count), (f"{format_count(estimate.fold_count, 'fold')} × {_repeats(estimate)}",)
        ),
        KeyFigure("Smallest detectable difference", found, ("found by about three of four such studies",)),
        KeyFigure("Luck of one training", runs, ("standard deviation of a fold's mean between repeats",)),
        KeyFigure("Counts as a difference", f"{matters:g}"),
    ]


def _repeats(estimate: Estimate) -> str:
    return format_count(estimate.repeat_count, "repeat")


def _word_doubt(estimate: Estimate, numbers: str, advice: Advice) -> str:
    if not estimate.is_valid:
        return f"{_OBSTACLES[estimate.obstacle]} ({numbers}). {_choose_advice(estimate, advice)}"
    detectable = format_number(estimate.smallest_detectable, 3)
    rest = f"{numbers}. A study like this finds a difference of about {detectable} three times out of four."
    if estimate.is_trained_once:
        rest += f" Every network was trained once, so the interval is wide. {advice.sentence}"
    return rest


def _choose_advice(estimate: Estimate, advice: Advice) -> str:
    if estimate.obstacle == "few subjects":
        return "Hold out 6 subjects or more."
    return advice.sentence


def name_learnt_too_little(skills: Mapping[str, Skill]) -> str:
    """Name the sources whose networks learnt too little, "rater1 and rater2"; empty where all have learnt."""
    return join_names([name for name, skill in skills.items() if not skill.has_learnt])
