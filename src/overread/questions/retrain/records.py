"""What retraining finds, trains, judges and decides."""

import shlex
from collections.abc import Mapping
from typing import Literal, TypeAlias

from pydantic import Field

from overread.evaluation.results import Interval
from overread.questions.retrain.gate.figures import GateFigures
from overread.questions.retrain.gate.settings import GateSettings, GateVerdict
from overread.records import Result
from overread.settings import Settings

NetworkState: TypeAlias = Literal["new", "changed", "current", "held", "judged"]
DecisionState: TypeAlias = Literal["promoted", "held", "refused"]

_VERDICTS: Mapping[str, GateVerdict] = {"promoted": "promote", "held": "hold", "refused": "refuse"}


class RetrainingChoice(Settings):
    """What a user chooses about the networks that are kept up to date."""

    sources: tuple[str, ...] = Field((), description="sources with a network each; all raters if empty")
    mixes: tuple[str, ...] = Field((), description="pairs a+b with a network that learns the labels of both")
    reference: str = Field("", description="source that networks are judged by; the one that each learns if empty")
    preset: str = Field(description="name of a preset, or path of a YAML file")
    epochs: int = Field(0, description="upper bound of epochs; 0 takes the preset's")
    gate: GateSettings = GateSettings()


class KeptNetwork(Settings):
    """A network that retraining keeps up to date.

    Attributes:
        labels: what it learns: a source, or a mix `a+b`.
        sources: whose masks these are.
        reference: source that it is judged by.
        model: name in the registry.
        digests: what DVC recorded of the masks of each source.
        reference_digest: the same of the reference.
        champion: version in use; None before the first.
        champion_revision: commit of the study that it learnt from; empty without one.
        champion_since: when it became champion, in seconds since 1970; None without one.
        champion_is_later: the champion learnt from a commit that follows the one that was looked at.
        champions: versions that were or are champion, newest first; a challenger is compared with the best of them.
        revisions_behind: commits since then that changed labels that it learns.
        held: version that waits for a human; None without one.
        held_since: when the gate held it, in seconds since 1970; None without one.
        state: `current` if the champion learnt these labels; if the newest challenger did and the gate's terms are
            those that it was judged by, `held` where it waits for a human, else `judged`; `changed` if neither did;
            `new` before the first champion.
    """

    labels: str
    sources: tuple[str, ...]
    reference: str
    model: str
    digests: dict[str, str]
    reference_digest: str
    champion: int | None = None
    champion_revision: str = ""
    champion_since: float | None = None
    champion_is_later: bool = False
    champions: tuple[int, ...] = ()
    revisions_behind: int = 0
    held: int | None = None
    held_since: float | None = None
    state: NetworkState = "new"

    @property
    def challenger_masks(self) -> str:
        """Name of the label set that a challenger predicts."""
        return f"challenger-{self.labels}"

    def name_masks(self, champion: int) -> str:
        """Name of the label set that a champion, the present one or one before it, predicts."""
        return f"champion{champion}-{self.labels}"

    @property
    def is_to_train(self) -> bool:
        """Whether its labels are such as no network was judged on."""
        return self.state in ("new", "changed")

    def describe_terms(self, gate: GateSettings) -> str:
        """What a challenger is judged by, in words."""
        return gate.describe(self.reference, self.reference_digest)

    def describe_state(self) -> str:
        """The state in words, and the champion."""
        version = f"champion is version {self.champion}" if self.champion else "no champion yet"
        return {
            "new": "no champion yet, to be trained",
            "changed": f"labels or preset changed, to be trained; {version}",
            "current": f"nothing new; {version}",
            "held": f"nothing new, and version {self.held} is on hold until a human decides; {version}",
            "judged": f"nothing new since the newest challenger was judged; {version}",
        }[self.state]


def list_commands(model: str, version: int, *, is_held: bool) -> tuple[str, ...]:
    """The commands by which a human decides on a challenger: promote it or, while it is on hold, refuse it."""
    name = shlex.quote(model)
    actions = ("promote", "refuse") if is_held else ("promote",)
    return tuple(f'overread model {action} {name} --version {version} --reason "…"' for action in actions)


class StudyChanges(Result):
    """What changed in a study since its champions were trained.

    Attributes:
        study: name of the study.
        study_uri: address of its git repository, without credentials.
        revision: commit that was looked at.
        recipe: SHA-256 over the preset with all its settings.
        choice: what the user chose.
        networks: those that are kept up to date.
    """

    study: str
    study_uri: str
    revision: str
    recipe: str
    choice: RetrainingChoice
    networks: tuple[KeptNetwork, ...]

    @property
    def to_train(self) -> tuple[KeptNetwork, ...]:
        """The networks whose labels changed."""
        return tuple(network for network in self.networks if network.is_to_train)

    @property
    def needed_sources(self) -> tuple[str, ...]:
        """Sources that the networks learn or are judged by."""
        return tuple(dict.fromkeys(name for kept in self.networks for name in (*kept.sources, kept.reference)))


class ReferenceDice(Settings):
    """Mean Dice over subjects of challenger and present champion against a source, on held-out cases that it labelled.

    Attributes:
        reference: name of the source.
        case_count: number of those cases.
        challenger: mean with an interval that tells of the subjects only.
        champion: the same of the present champion; None without one.
    """

    reference: str
    case_count: int
    challenger: Interval
    champion: Interval | None


class LeftOutChampion(Settings):
    """A former champion that could not be compared with, and why."""

    version: int
    reason: str


class NetworkJudgement(Result):
    """What the gate finds of one challenger.

    Attributes:
        network: which network, and what it was compared with.
        fingerprint: names the challenger's training.
        settings: of the gate.
        figures: what the gate sees, and why it refuses or holds.
        left_out: former champions that could not be compared with.
        counted_cases: held-out cases that count.
        other_cases: those with a reference mask that do not, because the mask is not the one that the champion was
            judged by.
        reference_digests: SHA-256 of the reference's mask of every held-out case, by case.
        dice: against every source.
    """

    network: KeptNetwork
    fingerprint: str
    settings: GateSettings
    figures: GateFigures
    left_out: tuple[LeftOutChampion, ...] = ()
    counted_cases: tuple[str, ...]
    other_cases: tuple[str, ...]
    reference_digests: dict[str, str]
    dice: tuple[ReferenceDice, ...]

    @property
    def compared(self) -> int | None:
        """The best champion so far or, where no case counts, the present one; None without one."""
        return self.network.champion if self.figures.anchor is None else self.figures.anchor

    @property
    def compared_masks(self) -> str | None:
        """Name of the label set that this champion predicts; None without one."""
        return None if self.compared is None else self.network.name_masks(self.compared)


class RetrainingJudgement(Result):
    """The judgements of all challengers of a pipeline run."""

    networks: tuple[NetworkJudgement, ...]


class NetworkDecision(Result):
    """What became of one challenger.

    Attributes:
        judgement: why.
        version: its version in the registry.
        state: `promoted` if it is champion, `held` if a human is to decide, else `refused`.
        reasons: why it is on hold or was refused.
        champion: version that is champion now; None if there is none.
    """

    judgement: NetworkJudgement
    version: int
    state: DecisionState
    reasons: tuple[str, ...]
    champion: int | None

    @property
    def is_promoted(self) -> bool:
        """Whether it became champion."""
        return self.state == "promoted"

    @property
    def commands(self) -> tuple[str, ...]:
        """What a human types to end a hold, or to make a refused challenger champion after all."""
        if self.is_promoted:
            return ()
        return list_commands(self.judgement.network.model, self.version, is_held=self.state == "held")


class RetrainingOutcome(Result):
    """All that a pipeline run found and decided.

    Attributes:
        changes: what changed.
        decisions: one per challenger; none where nothing was new.
    """

    changes: StudyChanges
    decisions: tuple[NetworkDecision, ...] = ()

    @property
    def verdict(self) -> GateVerdict | None:
        """What asks most of a human: a hold, then a refusal, then a promotion; None where nothing was decided."""
        states = {decision.state for decision in self.decisions}
        return next((_VERDICTS[state] for state in ("held", "refused", "promoted") if state in states), None)
