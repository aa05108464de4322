"""Calls of a Prometheus Pushgateway, each over in seconds, with errors that tell an outage from a refusal."""

import base64
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import unquote, urlsplit

from overread.adapters.metric_catalogue import METRICS
from overread.adapters.pushgateway_deadline import call_within
from overread.adapters.pushgateway_groups import GatewayGroup, parse_groups
from overread.adapters.telemetry_groups import MetricGroup
from overread.adapters.urls import hide_credentials
from overread.errors import OverreadError, SettingsError

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

    def push(self, group: MetricGroup, values: Mapping[str, float]) -> None:
        """Put values in the place of those of the same names in the group; its other values stay."""
        from prometheus_client import CollectorRegistry, Gauge, pushadd_to_gateway

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
