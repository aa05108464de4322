"""How an outcome is predicted from ratings."""

from pydantic import Field, model_validator

from overread.settings import Settings


class CrowdSettings(Settings):
    """Cross-validated logistic regression, and the permutation test of disagreement."""

    leak_free: bool = Field(
        True, description="z-score with the training fold alone, rather than with all cases before they are divided"
    )
    folds: int = Field(10, ge=2, description="folds of the cross-validation, both classes in each of them")
    repeats: int = Field(10, ge=1, description="times that the cases are divided into folds anew")
    permutations: int = Field(1000, ge=99, description="random assignments of outcomes in the permutation test")
    permutation_repeats: int = Field(
        3, ge=1, description="divisions into folds that an AUC of the permutation test is the mean of"
    )
    inverse_penalty: float = Field(
        1.0, gt=0, le=1000, description="C of the logistic regression: weight of the data against the ridge penalty"
    )
    confidence: float = Field(0.95, gt=0, lt=1, description="of the intervals")

    @model_validator(mode="after")
    def _tests_use_divisions_that_are_there(self) -> "CrowdSettings":
        if self.permutation_repeats > self.repeats:
            raise ValueError(f"permutation_repeats must be at most repeats, {self.repeats}")
        return self
