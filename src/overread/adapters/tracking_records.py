"""What is told to MLflow, as data: it can be sent now, or kept in a file and sent later."""

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from overread.records import Result
from overread.settings import Settings

RunStatus: TypeAlias = Literal["RUNNING", "FINISHED", "FAILED", "KILLED"]


class RunTags(Settings):
    """The flat tags that runs are filtered and compared by; None is left out."""

    pipeline: str | None = None
    kind: str | None = Field(None, description="what a training trains")
    preset: str | None = None
    source: str | None = None
    fold: int | None = None
    repeat: int | None = None
    network: str | None = None
    device: str | None = Field(None, description="cpu or the GPU's name")
    study_digest: str | None = Field(None, description="SHA-256 over what was read of the study")
    dvc_rev: str | None = Field(None, description="git commit of the study")
    git_commit: str | None = Field(None, description="git commit of Overread's code")

    def to_text(self) -> dict[str, str]:
        """Tags that are set, as MLflow stores them."""
        return {name: str(value) for name, value in self.model_dump(exclude_none=True).items()}


class MetricPoint(Settings):
    """One value of one metric."""

    name: str
    value: float
    step: int
    timestamp_ms: int = Field(description="since 1970, UTC; MLflow drops a point that equals one it has, time included")


class LogMetrics(Settings):
    """Metric values, in order."""

    kind: Literal["metrics"] = "metrics"
    points: tuple[MetricPoint, ...]


class LogSettings(Settings):
    """Settings, which MLflow calls params."""

    kind: Literal["settings"] = "settings"
    values: dict[str, str]


class SetTags(Settings):
    """Tags, which may be set again."""

    kind: Literal["tags"] = "tags"
    values: dict[str, str]


class LogStudy(Settings):
    """The study that a run read."""

    kind: Literal["study"] = "study"
    name: str
    digest: str
    revision: str
    uri: str


class LogFile(Settings):
    """A file: its name, beside the record that is kept, and the run's artifact folder that it goes to."""

    kind: Literal["file"] = "file"
    file: str
    folder: str


class SetStatus(Settings):
    """The end of a run, or its going on."""

    kind: Literal["status"] = "status"
    status: RunStatus


Operation: TypeAlias = Annotated[
    LogMetrics | LogSettings | SetTags | LogStudy | LogFile | SetStatus, Field(discriminator="kind")
]


class PendingRun(Result):
    """What could not be told to MLflow about one run, in order."""

    run_id: str
    tracking_uri: str = Field(description="without credentials")
    operations: tuple[Operation, ...]
