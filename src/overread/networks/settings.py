"""The shape of a segmentation network, and what is stored with a trained one."""

from typing import ClassVar, Literal, TypeAlias

from pydantic import Field, model_validator

from overread.records import Result
from overread.settings import Settings
from overread.study.schema import IntensitySettings

WEIGHTS_FILE = "network.safetensors"
SETTINGS_FILE = "network.json"
Architecture: TypeAlias = Literal["unet", "basic_unet", "segnet", "fcn32"]


class NetworkSettings(Settings):
    """Shape of a segmentation network; it yields one logit per voxel.

    `unet` is MONAI's residual U-Net with strided convolutions; `basic_unet` is the plain five-level U-Net of two
    convolutions and a max-pooling per level (Ronneberger 2015; Çiçek 2016), whose `channels` are the five encoder
    widths; `segnet` (Badrinarayanan 2017) up-samples with the indices of its max-poolings; `fcn32` (Long 2015)
    up-samples once, from the coarsest level to the image.
    """

    architecture: Architecture = "unet"
    channels: tuple[int, ...] = Field((16, 32, 64, 128), min_length=2, description="width of each level, top first")
    residual_units: int = Field(1, ge=0, description="unet: convolutions per residual block, 0 for plain convolutions")
    activation: Literal["leaky_relu", "prelu"] = Field(
        "leaky_relu", description="prelu learns its slope, which costs about a quarter of a training step on a CPU"
    )
    dropout: float = Field(0.0, ge=0, lt=1, description="probability that a feature is dropped")

    @property
    def downsampling(self) -> int:
        """Factor between the sides of an input and of the coarsest level.

        Inputs need sides that are multiples of it, except those of `basic_unet`, which pads what does not fit.
        """
        return 1 << (len(self.channels) - 1)

    @model_validator(mode="after")
    def _levels_fit(self) -> "NetworkSettings":
        if self.architecture == "basic_unet" and len(self.channels) != 5:
            raise ValueError(f"channels of basic_unet must be the widths of five levels, not {self.channels}")
        return self


class SavedNetworkSettings(Result):
    """What must be known to apply trained weights to an image."""

    INDENT: ClassVar[int] = 2

    network: NetworkSettings
    dimensions: Literal[2, 3] = Field(description="spatial axes of the network, see count_network_dimensions")
    channels: tuple[str, ...] = Field(description="channels of the study, in the order of the network's input")
    intensity: IntensitySettings
    patch_size: tuple[int, ...] = Field(description="window of the working grid, in voxels")
    working_spacing: tuple[float, ...] | None = Field(description="voxel size of the working grid, in the length unit")
    precision: Literal["auto", "bf16", "fp32"]


def count_network_dimensions(patch_size: tuple[int, ...]) -> Literal[2, 3]:
    """Spatial axes of the network that takes patches of a size.

    A patch of a 3D study whose last side is 1, such as (512, 512, 1), is an axial slice, for a network in 2D.
    """
    return 2 if len(patch_size) == 2 or patch_size[-1] == 1 else 3
