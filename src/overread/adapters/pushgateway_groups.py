"""What a Pushgateway says about the groups that it holds."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import BaseModel


@dataclass(frozen=True)
class GatewayGroup:
    """A group that the Pushgateway holds.

    Attributes:
        labels: its grouping key, `job` included.
        age_seconds: time since it was pushed to last.
    """

    labels: Mapping[str, str]
    age_seconds: float


def parse_groups(answer: bytes) -> list[GatewayGroup]:
    """Read the answer of `/api/v1/metrics`.

    Raises:
        ValueError: it is another kind of answer.
    """
    found, now = _Groups.model_validate_json(answer), time.time()
    return [GatewayGroup(group.labels, now - group.push_time_seconds.newest) for group in found.data]


class _PushTime(BaseModel):
    value: float


class _PushTimes(BaseModel):
    metrics: list[_PushTime]

    @property
    def newest(self) -> float:
        return max((point.value for point in self.metrics), default=0.0)


class _Group(BaseModel):
    labels: dict[str, str]
    push_time_seconds: _PushTimes


class _Groups(BaseModel):
    """Answer of `/api/v1/metrics`, the part of it that is read."""

    data: list[_Group]
