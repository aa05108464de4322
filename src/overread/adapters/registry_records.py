"""What is kept with every version of a registered network."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal, TypeAlias

from pydantic import Field

from overread.settings import Settings

Action: TypeAlias = Literal["promoted", "held", "refused", "superseded", "demoted"]
"""What becomes of a version: the gate promotes, holds or refuses it, a later challenger supersedes one that is on hold,
and humans promote, refuse and demote."""

_KEPT_PREDECESSORS = 20


class NetworkOrigin(Settings):
    """What a network was made from: enough to bring back the very bytes."""

    fingerprint: str = Field(description="SHA-256 over data, settings and code, which names the training")
    study: str
    study_uri: str = Field(description="address of the study's git repository, without credentials")
    revision: str = Field(description="commit of the study")
    study_digest: str = Field(description="SHA-256 over the images and masks that were learnt from")
    labels: dict[str, str] = Field(description="what DVC recorded of the masks of each source")
    recipe: str = Field(description="SHA-256 over the preset with all its settings")
    preset: str
    code_commit: str = Field(description="git commit of Overread, or a digest of its code")
    code_version: str

    def is_same_as(self, other: "NetworkOrigin") -> bool:
        """Whether both are the same training on the same revision with the same settings."""
        return all(getattr(self, name) == getattr(other, name) for name in ("fingerprint", "revision", "recipe"))


class Event(Settings):
    """A step in the life of a version."""

    action: Action
    at: datetime
    by: str = Field(description="the gate, or the name of a user")
    reason: str
    terms: str = Field("", description="held and refused: those of the gate; empty where a human refused")
    replaces: int | None = Field(None, description="promoted: version that a rollback makes champion")
    earlier: tuple[int, ...] = Field((), description="promoted: those that further rollbacks do, newest first")


class NetworkVersion(Settings):
    """One version of a registered network.

    Attributes:
        name: of the registered model, `<study>-<source>`.
        version: its number.
        run_id: MLflow run of the training.
        aliases: `champion`, `challenger`, both or neither.
        origin: what it was made from.
        history: what became of it, oldest first.
        settled_events: events at its beginning after which the alias of the champion was set.
    """

    name: str
    version: int
    run_id: str
    aliases: tuple[str, ...]
    origin: NetworkOrigin
    history: tuple[Event, ...]
    settled_events: int = 0

    @property
    def title(self) -> str:
        """Name and number, as people write them."""
        return f"{self.name} version {self.version}"

    @property
    def last_event(self) -> Event | None:
        """What became of it last; None if it was registered only."""
        return self.history[-1] if self.history else None

    @property
    def promotion(self) -> Event | None:
        """The event that made it champion last; None if it never was."""
        return next((event for event in reversed(self.history) if event.action == "promoted"), None)

    @property
    def predecessors(self) -> tuple[int, ...]:
        """Versions that rollbacks make champion one after the other, newest first."""
        promotion = self.promotion
        return () if promotion is None or promotion.replaces is None else (promotion.replaces, *promotion.earlier)

    @property
    def is_held(self) -> bool:
        """Whether the gate could not tell, and a human is to decide."""
        return self.last_event is not None and self.last_event.action == "held"

    @property
    def was_champion(self) -> bool:
        """Whether it was promoted, and the promotion came true."""
        return any(event.action == "promoted" for event in self.history[: self.settled_events])

    @property
    def is_dismissed(self) -> bool:
        """Whether a human put another version in its place, or refused it."""
        last = self.last_event
        return last is not None and (last.action == "demoted" or (last.action == "refused" and not last.terms))

    def is_decided(self, terms: str) -> bool:
        """Whether nothing is left to decide by a run: what the gate held or refused, it did by the same terms."""
        last = self.last_event
        if last is None or last.action == "superseded":
            return False
        return last.action not in ("held", "refused") or last.terms in ("", terms)

    def waits_for_its_alias(self, champion: int | None) -> bool:
        """Whether it was promoted by whoever then died before it could be named champion in place of `champion`.

        A promotion that came true is settled: who gives the alias back to the version before, in MLflow itself, for
        example, has the last word.
        """
        last = self.last_event
        if last is None or last.action != "promoted" or len(self.history) <= self.settled_events:
            return False
        return champion != self.version and last.replaces == champion


def happen(action: Action, *, by: str, reason: str, terms: str = "", line: Sequence[int] = ()) -> Event:
    """An event of this moment.

    Args:
        action: what happens.
        by: who decides.
        reason: why.
        terms: held and refused: those of the gate.
        line: promoted: champions before it, newest first, see `NetworkVersion.predecessors`.
    """
    now = datetime.now(UTC).replace(microsecond=0)
    replaces, earlier = (line[0], tuple(line[1:_KEPT_PREDECESSORS])) if line else (None, ())
    return Event(action=action, at=now, by=by, reason=reason, terms=terms, replaces=replaces, earlier=earlier)


def list_line(champion: NetworkVersion | None) -> tuple[int, ...]:
    """The champions before one that takes the place of `champion`, newest first."""
    return () if champion is None else (champion.version, *champion.predecessors)
