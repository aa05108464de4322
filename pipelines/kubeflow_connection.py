"""Where Kubeflow Pipelines is, and with which credentials it is asked."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from urllib.parse import SplitResult, urlsplit

from cyclopts import Parameter

from overread.errors import SettingsError


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
