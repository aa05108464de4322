"""Devices and precisions."""

import pytest
import torch

from overread.errors import SettingsError
from overread.networks.hardware import autocast, computes_bf16, describe_device, place_network, select_device

CPU = torch.device("cpu")


def find_precision(name: str) -> torch.dtype:
    with autocast(CPU, name):  # type: ignore[arg-type]
        result: torch.Tensor = torch.nn.functional.conv2d(torch.ones(1, 1, 2, 2), torch.ones(1, 1, 1, 1))
    return result.dtype


def test_precision_is_as_asked_and_auto_is_what_the_hardware_computes() -> None:
    assert find_precision("fp32") == torch.float32
    assert find_precision("bf16") == torch.bfloat16
    assert find_precision("auto") == (torch.bfloat16 if computes_bf16(CPU) else torch.float32)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_refused_and_auto_does_without() -> None:
    with pytest.raises(SettingsError, match=r"device cuda needs a GPU .* got none\. Hint: use device=auto"):
        select_device("cuda")
    assert select_device("auto") == CPU
    assert describe_device(CPU) == "cpu"


def test_a_network_is_placed_with_its_channels_last() -> None:
    flat = place_network(torch.nn.Conv2d(3, 4, 3), CPU, dimensions=2)
    solid = place_network(torch.nn.Conv3d(3, 4, 3), CPU, dimensions=3)
    assert next(flat.parameters()).is_contiguous(memory_format=torch.channels_last)
    assert next(solid.parameters()).is_contiguous(memory_format=torch.channels_last_3d)
