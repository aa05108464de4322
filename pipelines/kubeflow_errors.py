"""What Kubeflow Pipelines refuses, and why it cannot be reached, as one message each."""

import json

from overread.errors import InputError

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
