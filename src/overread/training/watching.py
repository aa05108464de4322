"""The uncertainty of networks over their training cases, while they are trained."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from torch import nn

from overread.inference.uncertainty import estimate_working_uncertainty
from overread.inference.uncertainty_settings import UncertaintySettings
from overread.inference.windowing import Windowing
from overread.networks.ensemble import list_members
from overread.training.cases import WorkingCase
from overread.types import Spacing


@dataclass(frozen=True)
class Watch:
    """How uncertainty is estimated between two epochs.

    Attributes:
        cases: the training cases.
        read_spacing: voxel size of the working grid of a case.
        settings: method and number of predictions.
        windowing: how networks are applied.
    """

    cases: Sequence[WorkingCase]
    read_spacing: Callable[[str], Spacing]
    settings: UncertaintySettings
    windowing: Windowing

    def measure(self, network: nn.Module) -> float:
        """ΣU of Redekop and Chernyavskiy (2021), section 3.2: the cumulative uncertainty, mean over the cases."""
        return float(np.mean([self._measure_case(network, case) for case in self.cases]))

    def _measure_case(self, network: nn.Module, case: WorkingCase) -> float:
        maps = estimate_working_uncertainty(
            list_members(network),
            case,
            spacing=self.read_spacing(case.case_id),
            settings=self.settings,
            windowing=self.windowing,
        )
        return maps.cumulative_aleatoric
