"""The points of a receiver operating characteristic."""

from pydantic import ConfigDict

from overread.settings import Settings


class RocCurve(Settings):
    """Receiver operating characteristic.

    Of two classes, the first is to be found. Of more, each is found against the rest, and the curves are averaged at
    equal thresholds (Fawcett 2006, section 8.2).

    Attributes:
        fpr: false positive rates, ascending from 0 to 1.
        tpr: true positive rates, ascending from 0 to 1.
        thresholds: probabilities, descending; what reaches one is positive. All are finite.
        auc: area under the curve through all thresholds; of more than two classes, the mean over the classes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")

    fpr: tuple[float, ...]
    tpr: tuple[float, ...]
    thresholds: tuple[float, ...]
    auc: float
