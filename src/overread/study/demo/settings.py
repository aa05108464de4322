"""What a demo study holds."""

from pydantic import Field

from overread.settings import Settings


class DemoSettings(Settings):
    """Settings of a synthetic study: 3D, multiple-sclerosis-like lesions on FLAIR and T1, two human-like raters."""

    seed: int = Field(0, ge=0, description="the same seed gives the same bytes")
    case_count: int = Field(18, ge=4, description="number of scans")
    follow_up_share: float = Field(
        1 / 6, ge=0, le=0.5, description="share of scans that are the second scan of a subject"
    )
    agreement_dice: float = Field(
        0.73, gt=0.4, lt=0.95, description="mean Dice between the two raters that their habits are calibrated to"
    )
    lesion_count: float = Field(14.0, ge=4, description="median number of lesions per case")
    relapse_share: float = Field(0.36, gt=0, lt=1, description="share of cases with a relapse (the ratings' outcome)")

    @property
    def subject_count(self) -> int:
        """Number of synthetic subjects."""
        return self.case_count - round(self.case_count * self.follow_up_share)
