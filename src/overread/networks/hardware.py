"""Which device a training runs on, how many threads it takes and in which precision it computes."""

from contextlib import AbstractContextManager
from typing import Any, Literal, TypeAlias

import torch
from torch import Tensor, nn

from overread.errors import SettingsError

DeviceName: TypeAlias = Literal["auto", "cpu", "cuda"]
Precision: TypeAlias = Literal["auto", "bf16", "fp32"]


def select_device(name: DeviceName) -> torch.device:
    """The device that `name` stands for; `auto` takes a GPU where there is one.

    Raises:
        SettingsError: `cuda` is asked for and there is none.
    """
    if name == "cuda" and not torch.cuda.is_available():
        raise SettingsError("device cuda needs a GPU that PyTorch can use", found="none", hint="use device=auto")
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(name)


def describe_device(device: torch.device) -> str:
    """The GPU's name, or cpu."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"


def limit_threads(count: int) -> None:
    """Use `count` threads in this process; several spinning processes on few cores slow each other down."""
    torch.set_num_threads(count)


def autocast(device: torch.device, precision: Precision) -> AbstractContextManager[object]:
    """The context in which a network is applied: bf16 or fp32."""
    bf16 = precision == "bf16" or (precision == "auto" and computes_bf16(device))
    return torch.autocast(device.type, torch.bfloat16, enabled=bf16)


def computes_bf16(device: torch.device) -> bool:
    """Whether the device multiplies bf16 in hardware."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def select_memory_format(dimensions: int) -> torch.memory_format:
    """Channels last, which convolutions in bf16 are faster with."""
    return torch.channels_last if dimensions == 2 else torch.channels_last_3d


def place_network(network: nn.Module, device: torch.device, *, dimensions: int) -> nn.Module:
    """Move a network to a device, its weights in the memory format of `select_memory_format`.

    Its 3D convolutions become ones that compute in float32 where bf16 would give them wrong gradients.
    """
    for layer in network.modules():
        layer.__class__ = _GUARDED.get(type(layer), type(layer))
    placed: nn.Module = network.to(device).to(memory_format=select_memory_format(dimensions))  # type: ignore[call-overload]
    return placed


def make_deterministic() -> None:
    """Choose the same convolution algorithms in every run."""
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True


class _Guarded(nn.Module):
    """A 3D convolution that computes in float32 where the CPU's bf16 yields wrong gradients of its weights.

    PyTorch 2.13 then reads and writes memory that is not theirs: what comes is garbage, or infinite.
    """

    def forward(self, features: Tensor, *arguments: Any) -> Tensor:
        """(B, C, *S) → (B, D, *T)."""
        if not (torch.is_grad_enabled() and torch.is_autocast_enabled("cpu") and _has_wrong_gradient(self, features)):
            plain: Tensor = super().forward(features, *arguments)
            return plain
        with torch.autocast("cpu", enabled=False):
            exact: Tensor = super().forward(features.float(), *arguments)
        return exact


class _GuardedConv3d(_Guarded, nn.Conv3d):
    pass


class _GuardedConvTranspose3d(_Guarded, nn.ConvTranspose3d):
    pass


_GUARDED: dict[type[nn.Module], type[nn.Module]] = {
    nn.Conv3d: _GuardedConv3d,
    nn.ConvTranspose3d: _GuardedConvTranspose3d,
}


def _has_wrong_gradient(convolution: nn.Module, features: Tensor) -> bool:
    """Whether the shape is one of those that come out wrong on a CPU with AVX-512 bf16, of all with sides of 1 to 6."""
    assert isinstance(convolution, nn.Conv3d | nn.ConvTranspose3d)
    if features.device.type != "cpu" or max(convolution.kernel_size) == 1:
        return False
    depth, rows, columns = features.shape[-3:]
    if max(convolution.stride) == 1:
        return depth == 2
    return not convolution.transposed and (columns == 1 or (rows == 1 and depth > 2))
