"""Settings of the analysis of disagreement, the paper's and ours, by name."""

from overread.questions.crowd_disagreement.results import CrowdSettings
from overread.settings import DescribedSettings
from overread.training.presets import PresetShelf

DEFAULT_CROWD_PRESET = "ratings"


class CrowdPreset(DescribedSettings):
    """Everything that shapes an analysis of disagreement, apart from the data."""

    analysis: CrowdSettings = CrowdSettings()


SHELF = PresetShelf(__name__, CrowdPreset)


def list_crowd_presets() -> tuple[str, ...]:
    """Names of the presets that come with Overread."""
    return SHELF.list_names()


def read_crowd_preset(name: str) -> CrowdPreset:
    """Read a preset by its name, or from a YAML file by its path.

    Raises:
        SettingsError: no preset has that name, or the file breaks a rule.
    """
    return SHELF.read(name)
