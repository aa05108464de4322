"""What the parts of one training share."""

from dataclasses import dataclass

from torch import nn

from overread.networks.build import build_network
from overread.networks.settings import SavedNetworkSettings, count_network_dimensions
from overread.study.study import Study
from overread.training.history import EpochReport
from overread.training.job_cases import JobCases
from overread.training.loop import Session
from overread.training.presets import Preset
from overread.training.result import TrainingJob


@dataclass(frozen=True)
class TrainingContext:
    """A training that is about to begin.

    Attributes:
        study: the study.
        job: what to train on what.
        preset: how.
        cases: the job's cases, in memory.
        session: where to train, and what to resume.
    """

    study: Study
    job: TrainingJob
    preset: Preset
    cases: JobCases
    session: Session[EpochReport]

    def build_network(self) -> nn.Module:
        """An untrained network, from torch's generator."""
        saved = self.describe_network()
        return build_network(saved.network, dimensions=saved.dimensions, channel_count=len(saved.channels))

    def describe_network(self) -> SavedNetworkSettings:
        """What is stored with the network."""
        settings = self.preset.training
        return SavedNetworkSettings(
            network=self.preset.network,
            dimensions=count_network_dimensions(settings.sampling.patch_size),
            channels=self.study.settings.channels,
            intensity=self.study.settings.intensity,
            patch_size=settings.sampling.patch_size,
            working_spacing=settings.working_spacing,
            precision=settings.precision,
        )
