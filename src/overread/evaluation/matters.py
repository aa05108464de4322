"""The smallest effects that a page calls a difference."""

from pydantic import Field

from overread.settings import Settings


class Matters(Settings):
    """What is smaller may be there, but is no difference that matters; a page prints the one that it judges by."""

    dice: float = Field(0.02, gt=0, lt=1, description="smallest difference of Dice that matters")
    load: float = Field(0.1, gt=0, lt=1, description="smallest relative difference of loads that matters")
    auroc: float = Field(0.1, gt=0, lt=0.5, description="smallest area under the ROC curve above 0.5 that matters")
