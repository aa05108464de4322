"""Opening a DVC repository in this process: quietly, waiting for its lock, with errors that a user can read."""

import logging
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import yaml

from overread.adapters.environment import read_environment
from overread.adapters.urls import hide_credentials
from overread.errors import VersioningError

LOCK_TIMEOUT_SECONDS = 300.0
REMOTE_NAME = "default"
_CONNECT_TIMEOUT_SECONDS = 10
_Result = TypeVar("_Result")


@contextmanager
def open_dvc_repository(root: Path, *, settings: Mapping[str, Any] | None = None) -> Iterator[Any]:
    """Open the `dvc.repo.Repo` at `root`; `settings` go before those of its `.dvc/config`.

    Raises:
        VersioningError: there is none, or DVC refuses something while it is open.
    """
    quieten_dvc()
    from dvc.exceptions import NotDvcRepoError
    from dvc.repo import Repo

    try:
        repository = Repo(str(root), config=dict(settings or {}))
    except NotDvcRepoError as error:
        raise VersioningError(
            f"a study must be a DVC repository, got {root}. Hint: `overread study commit` makes it one."
        ) from error
    except Exception as error:
        raise describe_dvc_failure("open the study", error) from error
    try:
        yield repository
    finally:
        repository.close()


def run_dvc(action: str, function: Callable[[], _Result]) -> _Result:
    """Call into DVC, again and again while another process holds its lock.

    DVC itself gives up after three seconds of waiting for the lock, which paces the attempts.

    Args:
        action: what is done, for the error ("push the study").
        function: the call.

    Raises:
        VersioningError: the lock was not free within `LOCK_TIMEOUT_SECONDS`, or DVC refused.
    """
    from dvc.lock import LockError

    deadline = time.monotonic() + LOCK_TIMEOUT_SECONDS
    while True:
        try:
            return function()
        except LockError as error:
            if time.monotonic() > deadline:
                raise VersioningError(
                    f"DVC's lock must be free within {LOCK_TIMEOUT_SECONDS:.0f} s to {action}. "
                    "Hint: another process holds it; wait for it, or end it."
                ) from error
        except Exception as error:
            raise describe_dvc_failure(action, error) from error


def describe_dvc_failure(action: str, error: Exception) -> VersioningError:
    """Turn whatever DVC or a storage library raised into an error for the user."""
    from dvc.config import NoRemoteError
    from dvc.exceptions import CheckoutError, DownloadError, UploadError

    if isinstance(error, NoRemoteError):
        hint = "name one with `dvc remote add --default NAME URL`"
    elif isinstance(error, UploadError):
        hint = "check that the remote can be written (`dvc remote list`), the credentials and AWS_ENDPOINT_URL"
    elif isinstance(error, (DownloadError, CheckoutError)):
        hint = (
            "the data of this revision are not in the remote or it cannot be read; run `overread study commit` where "
            "the study was made, and check `dvc remote list`, the credentials and AWS_ENDPOINT_URL"
        )
    else:
        hint = "check `dvc remote list`, the credentials and AWS_ENDPOINT_URL"
    reason = hide_credentials(" ".join(str(error).split())) or type(error).__name__
    return VersioningError(f"DVC failed to {action}: {reason.rstrip('.')}. Hint: {hint}.")


def quieten_dvc() -> None:
    """Show neither DVC's advice nor its progress bars; its failures are raised."""
    import dvc.logger  # noqa: F401  sets up the loggers, so it must come first

    for name in ("dvc", "dvc_data", "dvc_objects"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


def build_remote_settings(url: str) -> dict[str, Any]:
    """Settings of DVC's remote at `url`, with the S3 endpoint of the environment."""
    if not url.startswith("s3://"):
        return {"url": url}
    remote: dict[str, Any] = {"url": url, "connect_timeout": _CONNECT_TIMEOUT_SECONDS}
    if endpoint := read_environment().s3_endpoint_url:
        remote["endpointurl"] = endpoint
    return remote


def parse_tracked_digest(text: str, *, name: str) -> str:
    """MD5 that a `.dvc` file records for the folder `name` beside it.

    Raises:
        VersioningError: the file does not track exactly that folder.
    """
    try:
        (tracked,) = yaml.safe_load(text)["outs"]
        digest, path = str(tracked["md5"]), str(tracked["path"])
    except (yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        raise VersioningError(f"{name}.dvc must be a DVC file with one output.") from error
    if path != name or not re.fullmatch(r"[0-9a-f]{32}\.dir", digest):
        raise VersioningError(f"{name}.dvc must track the folder {name!r} beside it, got {path!r} ({digest}).")
    return digest
