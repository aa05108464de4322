"""Named settings that come with Overread, and the user's own from YAML files."""

from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Generic, TypeVar

from overread.errors import SettingsError
from overread.settings import DescribedSettings

Model = TypeVar("Model", bound=DescribedSettings)


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
