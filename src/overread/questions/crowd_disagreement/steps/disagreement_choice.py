"""What a user chooses about an analysis of disagreement."""

from pydantic import Field

from overread.questions.crowd_disagreement.presets import DEFAULT_CROWD_PRESET, CrowdPreset, read_crowd_preset
from overread.questions.crowd_disagreement.results import CrowdSettings
from overread.settings import Settings


class DisagreementChoice(Settings):
    """What a user chooses about an analysis of disagreement."""

    outcome: str = Field("", description="column with the outcome; empty for the only one, or that of study.yaml")
    positive: str = Field("", description="value of the positive class; empty for 1, yes, true, … or the last by name")
    columns: str = Field("", description="pattern of the columns of a wide table; guessed if empty")
    sources: tuple[str, ...] = Field((), description="of a study; empty for all that are not derived from others")
    preset: str = DEFAULT_CROWD_PRESET
    folds: int = Field(0, ge=0, description="of the cross-validation; 0 for those of the preset")
    seed: int = Field(0, ge=0, description="of folds and permutations")


def choose_preset(choice: DisagreementChoice) -> CrowdPreset:
    """The preset by name, with the chosen number of folds.

    Raises:
        SettingsError: there is no such preset, or a number breaks a rule.
    """
    preset = read_crowd_preset(choice.preset)
    if not choice.folds:
        return preset
    values = preset.analysis.model_dump() | {"folds": choice.folds}
    return preset.model_copy(update={"analysis": CrowdSettings.parse(values, where="folds")})
