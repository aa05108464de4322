"""What a user chooses about a repair."""

from collections.abc import Sequence
from typing import get_args

from pydantic import Field

from overread.errors import SettingsError
from overread.inference.settings import UncertaintyMethod
from overread.labels.variant_record import CONTROL
from overread.questions.relabel.results import AS_GIVEN, NoisyLabels
from overread.runs.label_variants import LabelVariants
from overread.settings import Settings
from overread.training.settings import RelabelRule

_CLEAN = "clean"


class CorrectionChoice(Settings):
    """Which labels are repaired, and how."""

    clean_source: str = Field("", description="labels that count as clean; empty where there are none")
    method: tuple[str, ...] = Field(("tta",), description="how uncertainty is estimated; the first repairs all labels")
    relabel_after: str = Field("uncertainty", description="uncertainty, clean, clean:case-1+case-2, or an epoch")
    preset: str = Field(description="name of a preset, or path of a YAML file")
    epochs: int = Field(0, description="epochs of every training; 0 takes the preset's")
    repeats: int = Field(2, ge=1, description="trainings of each kind and fold, each with a seed of its own")
    seed: int = Field(0, ge=0, description="seeds folds; with its name, each training")
    jobs_per_task: int = Field(1, ge=0, description="trainings that share a task and its GPU; 0 for all in one task")

    @property
    def methods(self) -> tuple[UncertaintyMethod, ...]:
        """The methods, checked.

        Raises:
            SettingsError: none, an unknown one, or one that is given twice.
        """
        known = get_args(UncertaintyMethod)
        if not self.method or len(set(self.method)) < len(self.method) or not set(self.method) <= set(known):
            raise SettingsError(
                "method must name different ways to estimate uncertainty",
                found=repr(",".join(self.method)),
                hint=f"known: {', '.join(known)}",
            )
        return self.method  # type: ignore[return-value]

    @property
    def rule(self) -> RelabelRule | int:
        """What chooses the epoch after which masks are relabelled.

        Raises:
            SettingsError: it is none of the known rules.
        """
        name = self.relabel_after.partition(":")[0]
        if name == "uncertainty" and name == self.relabel_after:
            return "uncertainty"
        if name == _CLEAN:
            return "clean"
        if self.relabel_after.isdecimal() and int(self.relabel_after) > 0:
            return int(self.relabel_after)
        raise SettingsError(
            "relabel_after must be uncertainty, clean, clean:case-1+case-2 or the number of an epoch",
            found=repr(self.relabel_after),
        )

    @property
    def clean_cases(self) -> tuple[str, ...]:
        """Cases whose clean labels may be looked at; empty for the validation cases of each fold."""
        name, _, cases = self.relabel_after.partition(":")
        return tuple(dict.fromkeys(case for case in cases.split("+") if case)) if name == _CLEAN else ()


def find_clean_source(choice: CorrectionChoice, variants: LabelVariants) -> str:
    """What counts as clean: what the user names, else the source that noise was added to, else nothing."""
    has_noise = len(variants.variants) > 1
    return choice.clean_source or (variants.source if has_noise else "")


def list_noises(variants: LabelVariants) -> tuple[NoisyLabels, ...]:
    """The labels to repair: the perturbed variants, or the source as it is where there are none."""
    noisy = tuple(
        NoisyLabels(name=variant.name, source=variants.name_labels(variant.name))
        for variant in variants.variants
        if variant.name != CONTROL
    )
    return noisy or (NoisyLabels(name=AS_GIVEN, source=variants.source),)


def check_sources(choice: CorrectionChoice, variants: LabelVariants, known: Sequence[str]) -> None:
    """Refuse a clean source that the study lacks, or that is the one to repair, and a rule that needs one.

    Raises:
        SettingsError: see above.
    """
    clean = find_clean_source(choice, variants)
    if clean and clean not in known:
        raise SettingsError(
            "clean_source must be a source of the study", found=repr(clean), hint=f"known: {', '.join(known)}"
        )
    if clean and clean in [labels.source for labels in list_noises(variants)]:
        raise SettingsError(
            "clean_source must be another source than the one to repair",
            found=repr(clean),
            hint="leave it empty, or add noise, as in noise=polygon-3",
        )
    if choice.rule == "clean" and not clean:
        raise SettingsError("relabel_after=clean needs a clean_source", found="none")
