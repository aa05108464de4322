"""What names a pipeline run, whatever it computes."""

from typing import Protocol

from overread.records import Result


class RunIdentity(Protocol):
    """What MLflow, the result store and the report know a pipeline run by; plans have it."""

    @property
    def pipeline(self) -> str:
        """Name of the pipeline."""

    @property
    def study(self) -> str:
        """Name of the study, or of the data."""

    @property
    def study_digest(self) -> str:
        """SHA-256 over all that is read."""

    @property
    def source_digests(self) -> dict[str, str]:
        """SHA-256 over the masks of each source."""

    @property
    def revision(self) -> str:
        """Commit of the study."""

    @property
    def preset_name(self) -> str:
        """Name of the preset."""

    @property
    def settings_yaml(self) -> str:
        """Its full settings."""

    @property
    def network_names(self) -> str:
        """Architectures of the networks, joined by +; empty for none."""

    @property
    def run_fingerprint(self) -> str:
        """SHA-256 over data, settings and code."""

    @property
    def run_key(self) -> str:
        """Under which the result store notes that MLflow knows the run to its end."""


class AnalysisRun(Result):
    """A pipeline run that trains no segmentation network. See `RunIdentity`."""

    pipeline: str
    study: str
    study_digest: str
    source_digests: dict[str, str]
    revision: str
    preset_name: str
    settings_yaml: str
    network_names: str = ""
    run_fingerprint: str

    @property
    def run_key(self) -> str:
        """See `RunIdentity`."""
        return f"runs/{self.run_fingerprint}"
