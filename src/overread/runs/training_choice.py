"""What a user chooses about one training."""

from pydantic import Field

from overread.networks.settings import Architecture
from overread.settings import Settings


class TrainingChoice(Settings):
    """Whose labels are learnt, by which network and how."""

    source: str = Field(description="Whose labels to learn.")
    preset: str = Field(description="Name of a preset, or path of a YAML file.")
    network: Architecture | None = Field(None, description="Architecture; the preset's if not given.")
    validation_source: str = Field("", description="Whose labels choose the best epoch; the source's own if not given.")
    epochs: int = Field(0, description="Upper bound of epochs; 0 takes the preset's.")
    seed: int = Field(0, description="Seeds split, initialisation and sampling.")
    device: str = Field("auto", description="auto, cpu or cuda.")
