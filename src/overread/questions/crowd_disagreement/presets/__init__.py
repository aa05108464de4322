"""Settings of the analysis of disagreement, the paper's and ours, by name."""

from overread.presets.shelf import PresetShelf
from overread.questions.crowd_disagreement.results import CrowdSettings
from overread.settings import Settings

DEFAULT_CROWD_PRESET = "ratings"


class CrowdPreset(Settings):
    """Everything that shapes an analysis of disagreement, apart from the data."""

    description: str
    analysis: CrowdSettings = CrowdSettings()


_SHELF = PresetShelf(__name__, CrowdPreset)


def list_crowd_presets() -> tuple[str, ...]:
    """Names of the presets that come with Overread."""
    return _SHELF.list_names()


def read_crowd_preset(name: str) -> CrowdPreset:
    """Read a preset by its name, or from a YAML file by its path.

    Raises:
        SettingsError: no preset has that name, or the file breaks a rule.
    """
    return _SHELF.read(name)
