"""Several networks of one shape that are trained in step with each other and answer together."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class NetworkEnsemble(nn.Module):
    """Networks whose mean probability is the answer (Lakshminarayanan et al. 2017).

    Args:
        members: networks, (B, C, *S) → (B, 1, *S) logits each.
    """

    def __init__(self, members: Sequence[nn.Module]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, image: Tensor) -> Tensor:
        """(B, C, *S) → (B, 1, *S), the logit of the members' mean probability."""
        probability = torch.stack([member(image).float().sigmoid() for member in self.members]).mean(dim=0)
        return torch.logit(probability, eps=1e-6)


def list_members(network: nn.Module) -> tuple[nn.Module, ...]:
    """The members of an ensemble, or the one network that it is."""
    return tuple(network.members) if isinstance(network, NetworkEnsemble) else (network,)
