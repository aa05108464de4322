"""What the trainings of a plan read, by its digests."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from overread.runs.fingerprint import name_run
from overread.study.digest import compute_images_digest, compute_source_digest, compute_study_digest
from overread.study.study import Study


@dataclass(frozen=True)
class PlannedData:
    """Digests of images and labels.

    Attributes:
        images_digest: SHA-256 over the images.
        source_digests: SHA-256 over the masks of each source.
    """

    images_digest: str
    source_digests: dict[str, str]

    @classmethod
    def read(cls, study: Study, sources: Sequence[str]) -> "PlannedData":
        """Digest the images of a study and the masks of some sources."""
        return cls(compute_images_digest(study), {source: compute_source_digest(study, source) for source in sources})

    def name_run(self, *, revision: str, parts: Mapping[str, object]) -> str:
        """SHA-256 that names a pipeline run by its data, the revision and whatever else it depends on, code included.

        Args:
            revision: commit of the study.
            parts: settings and choices, as JSON values.
        """
        data = compute_study_digest(self.images_digest, self.source_digests)
        return name_run({"data": data, "revision": revision, **parts})
