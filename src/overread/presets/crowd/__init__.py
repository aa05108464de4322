"""Settings of the analysis of disagreement, the paper's and ours, by name."""

from importlib import resources
from pathlib import Path

from overread.errors import SettingsError
from overread.evaluation.crowd_settings import CrowdSettings
from overread.settings import Settings

DEFAULT_CROWD_PRESET = "ratings"


class CrowdPreset(Settings):
    """Everything that shapes an analysis of disagreement, apart from the data."""

    description: str
    analysis: CrowdSettings = CrowdSettings()


def list_crowd_presets() -> tuple[str, ...]:
    """Names of the presets that come with Overread."""
    files = resources.files(__name__).iterdir()
    return tuple(sorted(file.name.removesuffix(".yaml") for file in files if file.name.endswith(".yaml")))


def read_crowd_preset(name: str) -> CrowdPreset:
    """Read a preset by its name, or from a YAML file by its path.

    Raises:
        SettingsError: no preset has that name, or the file breaks a rule.
    """
    if name.endswith((".yaml", ".yml")):
        return CrowdPreset.read_yaml(Path(name))
    if name not in list_crowd_presets():
        raise SettingsError(
            "preset must be a known name or the path of a .yaml file",
            found=repr(name),
            hint=f"known: {', '.join(list_crowd_presets())}",
        )
    with resources.as_file(resources.files(__name__) / f"{name}.yaml") as path:
        return CrowdPreset.read_yaml(path)
