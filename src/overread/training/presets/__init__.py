"""The settings of the papers, and ours, by name; and the user's own from YAML files."""

from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import Field, model_validator

from overread.errors import SettingsError
from overread.evaluation.matters import Matters
from overread.inference.settings import InferenceSettings
from overread.networks.settings import Architecture, NetworkSettings, count_network_dimensions
from overread.settings import DescribedSettings
from overread.training.settings import ClassifierSettings, CorrectionSettings, TrainingSettings

Model = TypeVar("Model", bound=DescribedSettings)
_FLAT_PATCH = (64, 64)


@dataclass(frozen=True)
class PresetShelf(Generic[Model]):
    """The YAML files of one package, each a preset named like its file.

    Attributes:
        package: name of the package.
        model: what a preset is.
    """

    package: str
    model: type[Model]

    def list_names(self) -> tuple[str, ...]:
        """Names of the presets, in alphabetical order."""
        files = resources.files(self.package).iterdir()
        return tuple(sorted(file.name.removesuffix(".yaml") for file in files if file.name.endswith(".yaml")))

    def describe(self) -> dict[str, str]:
        """What each preset is for, by its name, in alphabetical order."""
        return {name: self.read(name).description for name in self.list_names()}

    def read(self, name: str, *, folder: Path | None = None) -> Model:
        """Read a preset by its name, or from a YAML file by its path.

        Args:
            name: of a preset; or a path, which is looked for in `folder` first.
            folder: of a study, whose repository may hold presets of its own.

        Raises:
            SettingsError: no preset has that name, or the file breaks a rule.
        """
        if name.endswith((".yaml", ".yml")):
            beside = folder / name if folder is not None else None
            return self.model.read_yaml(beside if beside is not None and beside.is_file() else Path(name))
        if name not in self.list_names():
            raise SettingsError(
                "preset must be a known name or the path of a .yaml file",
                found=repr(name),
                hint=f"known: {', '.join(self.list_names())}",
            )
        with resources.as_file(resources.files(self.package) / f"{name}.yaml") as path:
            return self.model.read_yaml(path)


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
