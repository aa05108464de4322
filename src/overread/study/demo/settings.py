"""What a demo study holds."""

from pydantic import Field, model_validator

from overread.settings import Settings


class DemoSettings(Settings):
    """Settings of a synthetic study: 3D, multiple-sclerosis-like lesions on FLAIR and T1, two human-like raters."""

    seed: int = Field(0, ge=0, description="the same seed gives the same bytes")
    subject_count: int = Field(15, ge=4, description="number of synthetic subjects")
    case_count: int = Field(18, ge=4, description="number of scans; those beyond one per subject are follow-ups")
    agreement_dice: float = Field(
        0.73, gt=0.4, lt=0.95, description="mean Dice between the two raters that their habits are calibrated to"
    )
    lesion_count: float = Field(14.0, ge=4, description="median number of lesions per case")
    relapse_share: float = Field(0.36, gt=0, lt=1, description="share of cases with a relapse (the ratings' outcome)")

    @model_validator(mode="after")
    def _at_most_one_follow_up(self) -> "DemoSettings":
        if not self.subject_count <= self.case_count <= 2 * self.subject_count:
            raise ValueError("case_count must lie between subject_count and twice subject_count")
        return self
