"""What relabelling left in the folder of a training."""

from pathlib import Path

from pydantic import ConfigDict

from overread.labels.relabel_rules.change import Flip
from overread.labels.relabel_rules.guards import Refusal, RelabelGuards
from overread.labels.relabel_rules.rule import SettledRule
from overread.settings import Settings
from overread.study.label_set import LabelSet
from overread.training.history import EpochReport
from overread.training.settings import RelabelRule

RECORD_FILE = "relabelling.json"
MASKS_FOLDER = "relabelled"
UNCERTAINTY_FOLDER = "uncertainty"


class CaseChange(Settings):
    """What became of the mask of a case.

    Attributes:
        changed_count: voxels that the rule changes.
        changed_share: the same as a share of the labelled voxels; infinite for an empty mask that gains voxels.
        area_ratio: area of what the rule makes of the mask, as a multiple of the mask's own; infinite as above.
        refusal: why that is refused; empty where it is not.
        is_kept: the mask is the old one, because the new one is refused or the whole repair was stopped.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")

    changed_count: int
    changed_share: float
    area_ratio: float
    refusal: Refusal
    is_kept: bool


class RelabelRecord(Settings):
    """How the masks of a training were relabelled.

    Attributes:
        rule: what chose the epoch, or its number.
        chosen_epoch: masks were relabelled with the network of this epoch, and training went on from there.
        repair: the change that was chosen, from which candidates, and whether clean labels were looked at.
        guards: which new masks were refused.
        stopped: why no mask was changed at all, so that training went on with the labels as they were; empty where
            nothing spoke against it.
        watched: the epochs before relabelling, those after the chosen one included that were needed to choose it.
        training_seconds: wall-clock time of the loops before and after relabelling.
        uncertainty_seconds: wall-clock time of estimating uncertainty, between the epochs and for relabelling.
        estimate_count: maps that were estimated in that time.
        cases: what became of the masks, by case.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")

    rule: RelabelRule | int
    chosen_epoch: int
    repair: SettledRule
    guards: RelabelGuards
    stopped: str
    watched: tuple[EpochReport, ...]
    training_seconds: float
    uncertainty_seconds: float
    estimate_count: int
    cases: dict[str, CaseChange]

    @property
    def threshold(self) -> float | None:
        """Voxels with a larger uncertainty changed sides; None where the rule does not look at uncertainty."""
        return self.repair.change.threshold if isinstance(self.repair.change, Flip) else None

    @classmethod
    def read(cls, folder: Path) -> "RelabelRecord":
        """Read the record of the training in `folder`."""
        return cls.model_validate_json((folder / RECORD_FILE).read_text(encoding="utf-8"))

    def write(self, folder: Path) -> None:
        """Write the record into the training's folder."""
        (folder / RECORD_FILE).write_text(self.model_dump_json(indent=2), encoding="utf-8")


def open_relabelled(folder: Path, suffix: str) -> LabelSet:
    """The masks with which the training in `folder` went on."""
    return LabelSet(MASKS_FOLDER, folder / MASKS_FOLDER, suffix)
