"""The settings of the papers, and ours, by name."""

from pathlib import Path

from pydantic import Field, model_validator

from overread.evaluation.matters import Matters
from overread.inference.settings import InferenceSettings
from overread.networks.settings import Architecture, NetworkSettings, count_network_dimensions
from overread.settings import DescribedSettings
from overread.training.classifier_settings import ClassifierSettings
from overread.training.correction_settings import CorrectionSettings
from overread.training.presets.shelf import PresetShelf
from overread.training.settings import TrainingSettings

_FLAT_PATCH = (64, 64)


class Preset(DescribedSettings):
    """Everything that shapes a network and its evaluation, apart from the data."""

    network: NetworkSettings
    training: TrainingSettings
    inference: InferenceSettings = InferenceSettings()
    correction: CorrectionSettings = CorrectionSettings()
    classifier: ClassifierSettings | None = Field(
        None, description="of the source classifier; small patches of the preset's dimensions if None"
    )
    validation_fraction: float = Field(
        0.2, gt=0, lt=1, description="share of the training subjects kept for validation"
    )
    surface_tolerance: float = Field(1.0, gt=0, description="tolerance of the surface Dice, in the study's length unit")

    matters: Matters = Matters()

    @model_validator(mode="after")
    def _patches_fit_network(self) -> "Preset":
        size, network = self.training.sampling.patch_size, self.network
        sides = size[: count_network_dimensions(size)]
        if network.architecture != "basic_unet" and any(side % network.downsampling for side in sides):
            raise ValueError(
                f"the sides of patch_size must be multiples of {network.downsampling}, the network's down-sampling, "
                f"not {sides}"
            )
        return self

    def find_classifier(self) -> ClassifierSettings:
        """Settings of the source classifier."""
        if self.classifier is not None:
            return self.classifier
        size = self.training.sampling.patch_size
        if count_network_dimensions(size) == 3:
            return ClassifierSettings()
        return ClassifierSettings(patch_size=(*_FLAT_PATCH, 1)[: len(size)])

    def with_architecture(self, architecture: Architecture) -> "Preset":
        """The same preset with a network of another architecture.

        Raises:
            SettingsError: the preset's channels or patches do not fit that architecture.
        """
        values = self.model_dump()
        values["network"]["architecture"] = architecture
        return Preset.parse(values, where=f"architecture {architecture}")


SHELF = PresetShelf(__name__, Preset)


def list_presets() -> tuple[str, ...]:
    """Names of the presets that come with Overread."""
    return SHELF.list_names()


def read_preset(name: str, *, folder: Path | None = None) -> Preset:
    """Read a preset by its name, or from a YAML file by its path. See `PresetShelf.read`.

    Raises:
        SettingsError: no preset has that name, or the file breaks a rule.
    """
    return SHELF.read(name, folder=folder)
