"""How a trained network is applied to a whole case."""

from pydantic import Field

from overread.settings import Settings


class InferenceSettings(Settings):
    """Sliding windows of the training patch's size, blended with a Gaussian weight."""

    overlap: float = Field(0.25, ge=0, lt=1, description="share of a window that it shares with its neighbour")
    windows_per_batch: int = Field(4, ge=1, description="windows that go through the network together")
    threshold: float = Field(0.5, gt=0, lt=1, description="a voxel is foreground where the mean probability exceeds it")
