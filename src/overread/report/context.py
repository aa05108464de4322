"""What a report says about its own making."""

from overread.settings import Settings


class RunContext(Settings):
    """Where the numbers of a report come from.

    Attributes:
        pipeline: name of the pipeline.
        study: name of the study.
        revision: git commit of the study repository.
        study_digest: SHA-256 over what was read.
        source_digests: SHA-256 over the masks of each source.
        code_version: version of Overread.
        code_digest: SHA-256 over its source code.
        preset: name of the preset.
        settings_yaml: the full settings that were used.
        created: date and time of the run, for people.
        tracking_url: page or address of the MLflow run; empty without tracking.
    """

    pipeline: str
    study: str
    revision: str
    study_digest: str
    source_digests: dict[str, str]
    code_version: str
    code_digest: str
    preset: str
    settings_yaml: str
    created: str
    tracking_url: str = ""
