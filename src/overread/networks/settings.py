"""The shape of a segmentation network, and what is stored with a trained one."""

from typing import Literal

from pydantic import Field

from overread.settings import Settings
from overread.study.schema import IntensitySettings

WEIGHTS_FILE = "network.safetensors"
SETTINGS_FILE = "network.json"


class NetworkSettings(Settings):
    """Shape of a segmentation network; it yields one logit per voxel.

    `unet` is MONAI's residual U-Net with strided convolutions; `basic_unet` is the plain five-level U-Net of two
    convolutions and a max-pooling per level (Ronneberger 2015; Çiçek 2016), whose `channels` are the five encoder
    widths.
    """

    architecture: Literal["unet", "basic_unet"] = "unet"
    channels: tuple[int, ...] = Field((16, 32, 64, 128), min_length=2, description="width of each level, top first")
    residual_units: int = Field(1, ge=0, description="unet: convolutions per residual block, 0 for plain convolutions")
    activation: Literal["leaky_relu", "prelu"] = Field(
        "leaky_relu", description="prelu learns its slope, which costs about a quarter of a training step on a CPU"
    )
    dropout: float = Field(0.0, ge=0, lt=1, description="probability that a feature is dropped")

    @property
    def downsampling(self) -> int:
        """Factor between the sides of an input and of the coarsest level.

        `unet` needs inputs whose sides are multiples of it; `basic_unet` pads what does not fit.
        """
        return 1 << (len(self.channels) - 1)


class SavedNetworkSettings(Settings):
    """What must be known to apply trained weights to an image."""

    network: NetworkSettings
    dimensions: Literal[2, 3]
    channels: tuple[str, ...] = Field(description="channels of the study, in the order of the network's input")
    intensity: IntensitySettings
    patch_size: tuple[int, ...] = Field(description="window of the working grid, in voxels")
    working_spacing: tuple[float, ...] | None = Field(description="voxel size of the working grid, in the length unit")
    precision: Literal["auto", "bf16", "fp32"]
