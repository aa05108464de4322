"""What is kept with every version of a registered network."""

from datetime import UTC, datetime
from typing import Literal, TypeAlias

from pydantic import Field

from overread.settings import Settings

Action: TypeAlias = Literal["promoted", "refused", "demoted"]


class NetworkOrigin(Settings):
    """What a network was made from: enough to bring back the very bytes."""

    fingerprint: str = Field(description="SHA-256 over data, settings and code, which names the training")
    study: str
    study_uri: str = Field(description="address of the study's git repository, without credentials")
    revision: str = Field(description="commit of the study")
    revision_number: int = Field(description="commits of the study up to that one")
    study_digest: str = Field(description="SHA-256 over the images and masks that were learnt from")
    labels: dict[str, str] = Field(description="what DVC recorded of the masks of each source")
    recipe: str = Field(description="SHA-256 over the preset with all its settings")
    preset: str
    code_commit: str = Field(description="git commit of Overread, or a digest of its code")
    code_version: str


class Event(Settings):
    """A step in the life of a version."""

    action: Action
    at: datetime
    by: str = Field(description="the gate, or the name of a user")
    reason: str
    terms: str = Field("", description="refused: those of the gate")
    replaces: int | None = Field(None, description="promoted: version that was champion before")


class NetworkVersion(Settings):
    """One version of a registered network.

    Attributes:
        name: of the registered model, `<study>-<source>`.
        version: its number.
        run_id: MLflow run of the training.
        aliases: `champion`, `challenger`, both or neither.
        origin: what it was made from.
        history: what became of it, oldest first.
    """

    name: str
    version: int
    run_id: str
    aliases: tuple[str, ...]
    origin: NetworkOrigin
    history: tuple[Event, ...]

    @property
    def title(self) -> str:
        """Name and number, as people write them."""
        return f"{self.name} version {self.version}"

    def is_decided(self, terms: str) -> bool:
        """Whether nothing is left to decide: it was judged, and if the gate refused it, by the same terms."""
        last = self.history[-1] if self.history else None
        return last is not None and (last.action != "refused" or last.terms == terms)

    def waits_for_its_alias(self, champion: int | None) -> bool:
        """Whether it was promoted by whoever then died before it could be named champion in place of `champion`."""
        last = self.history[-1] if self.history else None
        is_promoted = last is not None and last.action == "promoted"
        return is_promoted and champion != self.version and last is not None and last.replaces == champion

    @property
    def promotion(self) -> Event | None:
        """The event that made it champion last; None if it never was."""
        return next((event for event in reversed(self.history) if event.action == "promoted"), None)


def happen(action: Action, *, by: str, reason: str, terms: str = "", replaces: int | None = None) -> Event:
    """An event of this moment."""
    now = datetime.now(UTC).replace(microsecond=0)
    return Event(action=action, at=now, by=by, reason=reason, terms=terms, replaces=replaces)
