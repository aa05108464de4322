"""Calls of a Pushgateway: connection, deadline and groups of metrics."""

import base64
import logging
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, partial
from http.client import HTTPException
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.error import HTTPError
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel

from overread.adapters.environment import read_environment
from overread.adapters.urls import hide_credentials
from overread.errors import OverreadError, SettingsError

if TYPE_CHECKING:
    from overread.adapters.telemetry import MetricGroup

Answer = TypeVar("Answer")


def call_within(seconds: float, function: Callable[[], Answer]) -> Answer:
    """Call a function, giving up on it after some time.

    A socket's time-out alone does not limit the look-up of a name, or a server that answers byte by byte.

    Raises:
        TimeoutError: it took longer.
    """
    future: Future[Answer] = Future()

    def work() -> None:
        try:
            future.set_result(function())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=work, daemon=True, name="pushgateway").start()
    try:
        return future.result(seconds)
    except TimeoutError as error:
        raise TimeoutError(str(error) or f"no answer in {seconds:.0f} s") from error


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


_PATIENCE_SECONDS = 5.0
_REFUSALS = (400, 413, 422)
"""HTTP answers to what was sent; any other failure, a missing login included, may pass."""
_SHOWN_CHARACTERS = 300


class PushgatewayOutageError(OverreadError):
    """The Pushgateway cannot be reached or let in just now; the same call may work later."""


class PushgatewayRefusalError(OverreadError):
    """The Pushgateway will not take what it was told."""


@dataclass(frozen=True)
class Pushgateway:
    """A Pushgateway; its methods raise `PushgatewayOutageError` and `PushgatewayRefusalError`.

    Attributes:
        address: URL without credentials.
        username: empty for none.
        password: of that user.
    """

    address: str
    username: str = ""
    password: str = field(default="", repr=False)

    @classmethod
    def parse(cls, url: str) -> "Pushgateway":
        """Build it from `http[s]://[user:password@]host[:port][/prefix]`.

        Raises:
            SettingsError: it is another kind of URL.
        """
        try:
            parts = urlsplit(url)
            is_valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            is_valid = False
        if not is_valid or parts.query or parts.fragment:
            raise SettingsError(
                "PUSHGATEWAY_URL must be a URL that starts with http:// or https://",
                found=repr(url.rpartition("@")[2]),
                hint="for example http://pushgateway:9091",
            )
        address = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl().rstrip("/")
        return cls(address, unquote(parts.username or ""), unquote(parts.password or ""))

    def push(self, group: "MetricGroup", values: Mapping[str, float]) -> None:
        """Put values in the place of those of the same names in the group; its other values stay."""
        from prometheus_client import CollectorRegistry, Gauge, pushadd_to_gateway

        from overread.adapters.telemetry import METRICS

        registry = CollectorRegistry()
        for name, value in values.items():
            Gauge(name, METRICS[name].help, registry=registry).set(value)
        with self._describing_failures():
            call_within(
                _PATIENCE_SECONDS,
                lambda: pushadd_to_gateway(
                    self.address,
                    group.job,
                    registry,
                    dict(group.labels),
                    timeout=_PATIENCE_SECONDS,
                    handler=self._choose_handler(),
                ),
            )

    def list_groups(self) -> list[GatewayGroup]:
        """The groups that the Pushgateway holds, of whatever job."""
        with self._describing_failures():
            return parse_groups(call_within(_PATIENCE_SECONDS, self._read_groups))

    def delete(self, group: GatewayGroup) -> None:
        """Remove a group."""
        from prometheus_client import delete_from_gateway

        key = {name: value for name, value in group.labels.items() if name != "job"}
        job, handler = group.labels["job"], self._choose_handler()
        with self._describing_failures():
            call_within(
                _PATIENCE_SECONDS,
                lambda: delete_from_gateway(self.address, job, key, timeout=_PATIENCE_SECONDS, handler=handler),
            )

    def _read_groups(self) -> bytes:
        request = urllib.request.Request(f"{self.address}/api/v1/metrics")
        if self.username:
            login = base64.b64encode(f"{self.username}:{self.password}".encode()).decode("ascii")
            request.add_header("Authorization", f"Basic {login}")
        with urllib.request.urlopen(request, timeout=_PATIENCE_SECONDS) as answer:
            content: bytes = answer.read()
        return content

    def _choose_handler(self) -> Callable[..., Any]:
        from prometheus_client.exposition import basic_auth_handler, default_handler

        if not self.username:
            return default_handler
        return partial(basic_auth_handler, username=self.username, password=self.password)

    @contextmanager
    def _describing_failures(self) -> Iterator[None]:
        try:
            yield
        except HTTPError as error:
            error.close()
            if error.code in _REFUSALS:
                raise PushgatewayRefusalError(f"{self.address} refused: {_shorten(error)}.") from error
            raise self._describe_outage(error) from error
        except (OSError, HTTPException, ValueError) as error:
            raise self._describe_outage(error) from error

    def _describe_outage(self, error: Exception) -> PushgatewayOutageError:
        return PushgatewayOutageError(
            f"the Pushgateway {self.address} must be reachable: {_shorten(error)}. "
            "Hint: check PUSHGATEWAY_URL, the credentials and that the server runs."
        )


def _shorten(error: Exception) -> str:
    text = hide_credentials(" ".join(str(error).split())).rstrip(".") or type(error).__name__
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]} …"


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

    def push(self, group: "MetricGroup", values: Mapping[str, float]) -> bool:
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
