"""How trained networks are applied to whole cases, and how the uncertainty of what they say is estimated."""

from typing import Literal, TypeAlias

from pydantic import Field, model_validator

from overread.settings import Settings

UncertaintyMethod: TypeAlias = Literal["mc_dropout", "ensemble", "tta"]


class InferenceSettings(Settings):
    """Sliding windows of the training patch's size, blended with a Gaussian weight."""

    overlap: float = Field(0.25, ge=0, lt=1, description="share of a window that it shares with its neighbour")
    windows_per_batch: int = Field(4, ge=1, description="windows that go through the network together")
    threshold: float = Field(0.5, gt=0, lt=1, description="a voxel is foreground where the mean probability exceeds it")


class UncertaintySettings(Settings):
    """Which predictions of a case are compared with each other (Redekop and Chernyavskiy 2021, section 2.2).

    `mc_dropout` applies a network repeatedly with its dropout layers active (Gal and Ghahramani 2016); `ensemble`
    applies several networks once each (Lakshminarayanan et al. 2017); `tta`, test-time augmentation, applies a network
    to varied copies of the image (Wang et al. 2019). The paper names the methods and gives no further values: those
    below are ours.

    Variations suit a network that has met such images: leave out flips and turns that its training did not show it,
    where left and right or up and down differ.
    """

    method: UncertaintyMethod = "tta"
    samples: int = Field(10, ge=2, le=1000, description="mc_dropout, tta: N, predictions of each network")
    flip_axes: tuple[int, ...] = Field(
        (0, 1), description="tta: spatial axes that are flipped with probability 1/2, of those that the network has"
    )
    quarter_turns: bool = Field(
        True, description="tta: turn by multiples of 90° where pixels and windows are square in the first two axes"
    )
    shift_voxels: int = Field(
        4, ge=0, description="tta: greatest shift along each axis of the network, in whole voxels of the working grid"
    )
    zoom_range: tuple[float, float] = Field(
        (0.9, 1.1), description="tta: magnification, log-uniform between the two; [1, 1] interpolates nothing"
    )
    seed: int = Field(0, ge=0, lt=2**63, description="seeds dropout and variations, together with the case")

    @model_validator(mode="after")
    def _ranges_fit(self) -> "UncertaintySettings":
        if not 0 < self.zoom_range[0] <= self.zoom_range[1]:
            raise ValueError("zoom_range must be [lower, upper], both above 0")
        if not set(self.flip_axes) <= {0, 1, 2}:
            raise ValueError("flip_axes must be spatial axes, 0 to 2")
        return self
