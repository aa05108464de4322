"""What is found out about the sizes of masks."""

from overread.records import Result


class MaskSizes(Result):
    """Mean load of every source over the cases that all of them labelled.

    Attributes:
        means: by source, in `unit`.
        unit: of the loads.
        case_count: cases that count.
    """

    means: dict[str, float]
    unit: str
    case_count: int

    @property
    def ratio(self) -> float:
        """The largest mean over the smallest."""
        return max(self.means.values()) / min(self.means.values())
