"""The settings of acquisition probes, by name."""

from pathlib import Path

from overread.questions.acquisition_bias.probe_settings import ProbePreset
from overread.training.presets import PresetShelf

SHELF = PresetShelf(__name__, ProbePreset)


def list_probe_presets() -> tuple[str, ...]:
    """Names of the presets that come with Overread."""
    return SHELF.list_names()


def read_probe_preset(name: str, *, folder: Path | None = None) -> ProbePreset:
    """Read a preset by its name, or from a YAML file by its path. See `PresetShelf.read`.

    Raises:
        SettingsError: no preset has that name, or the file breaks a rule.
    """
    return SHELF.read(name, folder=folder)
