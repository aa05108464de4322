"""kfp's generated REST client, with a time limit on every request and one clear message for every failure."""

import json
from typing import Any

import urllib3
from kfp_server_api import ApiClient, Configuration
from kfp_server_api.exceptions import ApiException
from urllib3.exceptions import HTTPError, MaxRetryError, SSLError, TimeoutError

from pipelines.kubeflow_errors import KubeflowError, describe_refusal, describe_unreadable

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
