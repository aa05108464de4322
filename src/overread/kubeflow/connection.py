"""How Kubeflow Pipelines is reached: address, credentials, and what a refusal means."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import SplitResult, urlsplit

import urllib3
from cyclopts import Parameter
from kfp_server_api import ApiClient, Configuration
from kfp_server_api.exceptions import ApiException
from urllib3.exceptions import HTTPError, MaxRetryError, SSLError, TimeoutError

from overread.errors import InputError, SettingsError

_TRANSIENT = (429, 502, 503, 504)
_CREDENTIALS = "set KF_PIPELINES_TOKEN, --token-file or KF_PIPELINES_COOKIE; a token may have expired"
_RULES = {
    400: ("a request must be one that Kubeflow Pipelines accepts", ""),
    401: ("Kubeflow Pipelines must know who asks", _CREDENTIALS),
    403: (
        "this account must be allowed to do this",
        f"check --namespace and the account's roles there; {_CREDENTIALS}",
    ),
    404: (
        "what is asked for must exist in Kubeflow Pipelines",
        "check --namespace, --experiment and the path in --host, for example https://HOST/pipeline",
    ),
    409: ("what is to be made must not exist yet", "somebody else made it at the same time; ask again"),
}
_LONGEST_ANSWER = 500


class KubeflowError(InputError):
    """Kubeflow Pipelines cannot be reached, or refuses a request.

    Attributes:
        transient: whether the same request may well succeed a little later.
    """

    def __init__(
        self, rule: str, *, found: object = None, where: str = "", hint: str = "", transient: bool = False
    ) -> None:
        super().__init__(rule, found=found, where=where, hint=hint)
        self.transient = transient


def describe_refusal(status: int, body: bytes | None, *, where: str, location: str = "") -> KubeflowError:
    """The error for an HTTP answer that is not a success.

    Args:
        status: HTTP status, 300 to 599.
        body: what the server said.
        where: method and address of the request.
        location: address that a redirect names.
    """
    if 300 <= status < 400:
        return KubeflowError(
            "Kubeflow Pipelines must answer itself",
            found=f"a redirect to {location or 'nowhere'}",
            where=where,
            hint=f"give --host the address that it redirects to, or, if that is a login page, {_CREDENTIALS}",
        )
    rule, hint = _RULES.get(status, ("Kubeflow Pipelines must be able to serve a request", "look at the server's log"))
    found = " ".join([str(status), extract_message(body)]).strip()
    return KubeflowError(rule, found=found, where=where, hint=hint, transient=status in _TRANSIENT)


def describe_unreadable(body: bytes, *, where: str) -> KubeflowError:
    """The error for a successful answer that is not JSON, mostly the page of a login or of a user interface."""
    is_page = body.lstrip()[:1] == b"<"
    found = "a web page" if is_page else repr(_shorten(body.decode("utf-8", "replace")))
    return KubeflowError(
        "Kubeflow Pipelines must answer with JSON",
        found=found,
        where=where,
        hint=f"check the path in --host, for example https://HOST/pipeline; if the page is a login, {_CREDENTIALS}",
    )


def extract_message(body: bytes | None) -> str:
    """What a server's answer says to a human: its message where it is JSON that has one, else its text."""
    text = (body or b"").decode("utf-8", "replace").strip()
    try:
        answer = json.loads(text)
    except json.JSONDecodeError:
        return "" if text.startswith("<") else _shorten(text)
    if isinstance(answer, dict):
        text = next((str(answer[key]) for key in ("message", "error_message", "error") if answer.get(key)), text)
    return _shorten(text)


def _shorten(text: str) -> str:
    line = " ".join(text.split()).rstrip(".")
    return line if len(line) <= _LONGEST_ANSWER else f"{line[:_LONGEST_ANSWER]} …"


# No redirect is followed: an answer in the place of Kubeflow's own is a login page or another address, and what is
# posted must not be sent there. Nothing is tried twice, for a run that is posted twice is two runs.
_NO_RETRIES = urllib3.Retry(total=0, redirect=0, raise_on_redirect=False)


class CheckedApiClient(ApiClient):  # type: ignore[misc]
    """Sends the requests of kfp's generated API classes.

    `kfp.Client` itself is not used: it sets no time limit, takes up to 25 s to notice that it is refused, takes a login
    page for an empty answer and keeps its namespace in the user's home.

    Args:
        configuration: address, credentials and certificates.
        cookie: value of the header Cookie.
        timeout_seconds: longest time to wait for a connection, and for an answer.
    """

    def __init__(self, configuration: Configuration, *, cookie: str | None, timeout_seconds: float) -> None:
        configuration.retries = _NO_RETRIES
        super().__init__(configuration, cookie=cookie)
        self._timeout_seconds = timeout_seconds

    def request(
        self,
        method: str,
        url: str,
        query_params: Any = None,
        headers: Any = None,
        post_params: Any = None,
        body: Any = None,
        _preload_content: bool = True,
        _request_timeout: Any = None,
    ) -> Any:
        """Send one request.

        Raises:
            KubeflowError: there is no answer, it is a refusal, or it is not JSON.
        """
        where = f"{method} {url}"
        limit = (self._timeout_seconds, self._timeout_seconds)
        try:
            response = super().request(
                method, url, query_params, headers, post_params, body, _preload_content, _request_timeout or limit
            )
        except ApiException as error:
            location = (error.headers or {}).get("Location", "")
            raise describe_refusal(error.status, error.body, where=where, location=location) from error
        except HTTPError as error:
            raise self._describe_silence(error, where) from error
        _check_is_json(response.data, where)
        return response

    def _describe_silence(self, error: HTTPError, where: str) -> KubeflowError:
        reason = error.reason if isinstance(error, MaxRetryError) else error
        if isinstance(reason, SSLError):
            return KubeflowError(
                "the certificate of Kubeflow Pipelines must be one that is trusted",
                found=_name_cause(reason),
                where=where,
                hint="name the certificate of its authority with --ca-cert",
            )
        if isinstance(reason, TimeoutError) and not isinstance(reason, urllib3.exceptions.NewConnectionError):
            return KubeflowError(
                f"Kubeflow Pipelines must answer within {self._timeout_seconds:g} s",
                found="no answer",
                where=where,
                hint="check that --host can be reached from here, or give it longer with --timeout",
                transient=True,
            )
        return KubeflowError(
            "Kubeflow Pipelines must be reachable",
            found=_name_cause(reason),
            where=where,
            hint="check --host; from outside the cluster, run kubectl port-forward or go through its gateway",
            transient=True,
        )


def _check_is_json(data: bytes, where: str) -> None:
    try:
        json.loads(data)
    except ValueError as error:
        raise describe_unreadable(data, where=where) from error


def _name_cause(reason: BaseException | None) -> str:
    """The system's own words: urllib3 wraps them in its own, with addresses of objects in memory."""
    while reason is not None and isinstance(reason, HTTPError) and isinstance(reason.__cause__, Exception):
        reason = reason.__cause__
    if isinstance(reason, OSError) and reason.strerror:
        return reason.strerror
    return str(reason).rsplit(": ", 1)[-1]


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Connection:
    """How to reach Kubeflow Pipelines.

    Attributes:
        host: Address of Kubeflow Pipelines with its path, for example https://HOST/pipeline or http://localhost:8080.
        ui_host: Address of its user interface, for links; the host if not given.
        namespace: Namespace of the user or team, for a Kubeflow of many users.
        token_file: File of the bearer token, read again for each request.
        ca_cert: File of the certificates that are trusted, for a gateway with an own authority.
        timeout: Longest time to wait for an answer, in seconds.
    """

    host: Annotated[str, Parameter(env_var="KF_PIPELINES_ENDPOINT")] = ""
    ui_host: Annotated[str, Parameter(env_var="KF_PIPELINES_UI_ENDPOINT")] = ""
    namespace: str | None = None
    token_file: Path | None = None
    ca_cert: Path | None = None
    timeout: float = 30.0

    def check(self) -> None:
        """Check all that can be checked without asking the server.

        Raises:
            SettingsError: naming the option that breaks a rule.
        """
        _check_address("--host", self.host, hint="give --host or set KF_PIPELINES_ENDPOINT")
        if self.ui_host:
            _check_address("--ui-host", self.ui_host, hint="")
        if not self.timeout > 0:
            raise SettingsError("--timeout must be more than 0 seconds", found=self.timeout)
        for option, path in (("--token-file", self.token_file), ("--ca-cert", self.ca_cert)):
            if path is not None and not path.is_file():
                raise SettingsError(f"{option} must name a file", found=path)


@dataclass(frozen=True)
class Credentials:
    """What the environment says about who asks; texts are never shown.

    Attributes:
        token: bearer token.
        token_file: file of the bearer token, which somebody may renew.
        cookie: session cookie of a gateway, as NAME=VALUE.
    """

    token: str = ""
    token_file: Path | None = None
    cookie: str = ""

    def __repr__(self) -> str:
        return f"Credentials(token={bool(self.token)}, token_file={self.token_file}, cookie={bool(self.cookie)})"


def read_credentials(token_file: Path | None, environment: Mapping[str, str] = os.environ) -> Credentials:
    """Find the credentials: a named file first, then KF_PIPELINES_TOKEN, then the token of a pod's service account.

    Args:
        token_file: file that the user names.
        environment: KF_PIPELINES_TOKEN, KF_PIPELINES_COOKIE and kfp's own KF_PIPELINES_SA_TOKEN_PATH are read.

    Raises:
        SettingsError: KF_PIPELINES_SA_TOKEN_PATH names no file.
    """
    from kfp.client import KF_PIPELINES_SA_TOKEN_ENV, KF_PIPELINES_SA_TOKEN_PATH

    cookie, token = (environment.get(name, "").strip() for name in ("KF_PIPELINES_COOKIE", "KF_PIPELINES_TOKEN"))
    if token_file is not None:
        return Credentials(token_file=token_file, cookie=cookie)
    if token:
        return Credentials(token=token, cookie=cookie)
    mounted = environment.get(KF_PIPELINES_SA_TOKEN_ENV, "")
    if mounted and not Path(mounted).is_file():
        raise SettingsError(f"{KF_PIPELINES_SA_TOKEN_ENV} must name a file", found=mounted)
    path = Path(mounted or KF_PIPELINES_SA_TOKEN_PATH)
    return Credentials(token_file=path if path.is_file() else None, cookie=cookie)


def _check_address(option: str, address: str, *, hint: str) -> None:
    if not address:
        raise SettingsError(f"{option} must be given", hint=hint)
    parts = urlsplit(address)
    is_plain = parts.scheme in ("http", "https") and parts.hostname and not parts.query and not parts.fragment
    if not is_plain or not _has_valid_port(parts):
        raise SettingsError(
            f"{option} must be an address such as https://HOST/pipeline",
            found=repr(address),
            hint="it begins with http:// or https:// and ends before any ? or #",
        )
    if parts.username or parts.password:
        raise SettingsError(f"{option} must hold no password", hint="use KF_PIPELINES_TOKEN or --token-file")


def _has_valid_port(parts: SplitResult) -> bool:
    try:
        return parts.port is None or parts.port > 0
    except ValueError:
        return False
