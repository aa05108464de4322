"""One request and its answer, as they went over the wire."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Exchange:
    """A request and its answer.

    Attributes:
        method: for example GET.
        path: without query, and without the prefix that a gateway takes off.
        query: values by name.
        headers: of the request, names in small letters.
        body: JSON of the request; None without one.
        files: contents by name of form field.
        status: of the answer.
        answer: JSON of the answer.
        from_kubeflow: whether Kubeflow answered, not a gateway in front of it.
    """

    method: str
    path: str
    query: Mapping[str, list[str]] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    files: Mapping[str, bytes] = field(default_factory=dict)
    status: int = 200
    answer: Any = None
    from_kubeflow: bool = True
