"""What a process knows of a Pushgateway: whether it failed a moment ago, and what was said about that."""

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

from overread.adapters.environment import read_environment
from overread.adapters.pushgateway_calls import Pushgateway, PushgatewayOutageError, PushgatewayRefusalError
from overread.adapters.telemetry_groups import MetricGroup

_LOGGER = logging.getLogger(__name__)
_FIRST_PAUSE_SECONDS = 60.0
_LONGEST_PAUSE_SECONDS = 300.0


@dataclass
class Connection:
    """What this process knows of a Pushgateway.

    Attributes:
        gateway: where it is.
        pause_seconds: how long it was left alone after its last failure.
        asked_again_at: when it may be asked again, on the monotonic clock.
        said: the warnings that were logged.
    """

    gateway: Pushgateway
    pause_seconds: float = 0.0
    asked_again_at: float = 0.0
    said: set[str] = field(default_factory=set)

    @property
    def is_paused(self) -> bool:
        """Whether the Pushgateway is left alone."""
        return time.monotonic() < self.asked_again_at

    def end_pause(self) -> None:
        """Ask the next time, though a further failure makes the pause longer than the last."""
        self.asked_again_at = 0.0

    def begin_pause(self) -> None:
        """Leave the Pushgateway alone, longer after each failure in a row."""
        self.pause_seconds = min(max(2 * self.pause_seconds, _FIRST_PAUSE_SECONDS), _LONGEST_PAUSE_SECONDS)
        self.asked_again_at = time.monotonic() + self.pause_seconds

    def warn_once(self, kind: str, message: str, error: Exception) -> None:
        """Log a warning, unless one of its kind was logged by this process."""
        if kind not in self.said:
            self.said.add(kind)
            _LOGGER.warning(message, error)

    def push(self, group: MetricGroup, values: Mapping[str, float]) -> bool:
        """Push unless the Pushgateway is left alone; False if the values should be kept for later."""
        if self.is_paused:
            return False
        try:
            self.gateway.push(group, values)
        except PushgatewayOutageError as error:
            self.begin_pause()
            self.warn_once("outage", "telemetry is kept for later: %s", error)
            return False
        except PushgatewayRefusalError as error:
            self.warn_once("refusal", "telemetry is dropped: %s", error)
        self.pause_seconds = 0.0
        return True


def find_connection() -> Connection | None:
    """The connection to the Pushgateway that PUSHGATEWAY_URL names; None without one.

    Raises:
        SettingsError: PUSHGATEWAY_URL is no http or https URL.
    """
    url = read_environment().pushgateway_url
    return None if url is None else _connect(url)


@cache
def _connect(url: str) -> Connection:
    return Connection(Pushgateway.parse(url))
