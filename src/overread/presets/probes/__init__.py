"""The settings of acquisition probes, by name."""

from importlib import resources
from pathlib import Path

from overread.errors import SettingsError
from overread.training.probe_settings import ProbePreset


def list_probe_presets() -> tuple[str, ...]:
    """Names of the presets that come with Overread."""
    files = resources.files(__name__).iterdir()
    return tuple(sorted(file.name.removesuffix(".yaml") for file in files if file.name.endswith(".yaml")))


def read_probe_preset(name: str) -> ProbePreset:
    """Read a preset by its name, or from a YAML file by its path.

    Raises:
        SettingsError: no preset has that name, or the file breaks a rule.
    """
    if name.endswith((".yaml", ".yml")):
        return ProbePreset.read_yaml(Path(name))
    if name not in list_probe_presets():
        raise SettingsError(
            "preset must be a known name or the path of a .yaml file",
            found=repr(name),
            hint=f"known: {', '.join(list_probe_presets())}",
        )
    with resources.as_file(resources.files(__name__) / f"{name}.yaml") as path:
        return ProbePreset.read_yaml(path)
