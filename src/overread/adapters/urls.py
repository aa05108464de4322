"""Addresses of stores, repositories and servers."""

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

_CREDENTIALS = re.compile(r"(?<!ssh://)(?<=://)[^/\s]+@")
_SSH_CREDENTIALS = re.compile(r"(?<=ssh://)([^/@:\s]*)[^/\s]*@")
_REMOTE = re.compile(r"^(?:(?!file://)[A-Za-z][A-Za-z0-9+.-]*://|[^/\s]+@[^/\s]+:)")


def hide_credentials(text: str) -> str:
    """Remove `user:password@` from every URL in `text`, so that it can be shown; an SSH user is part of the address."""
    return _SSH_CREDENTIALS.sub(r"\1@", _CREDENTIALS.sub("", text))


def is_remote(address: str) -> bool:
    """Whether an address is a URL or `user@host:path` of another machine, rather than a local path or `file://` URL."""
    return _REMOTE.match(address) is not None


def parse_local_path(address: str) -> Path:
    """Absolute path of a local path or `file://` URL."""
    path = unquote(urlsplit(address).path) if address.startswith("file://") else address
    return Path(path).expanduser().resolve()


def parse_s3_url(url: str) -> tuple[str, str]:
    """Split `s3://bucket/some/prefix` into bucket and prefix, the prefix without slashes at its ends.

    Raises:
        ValueError: there is no bucket, or it is not an S3 URL.
    """
    parts = urlsplit(url)
    if parts.scheme != "s3" or not parts.netloc:
        raise ValueError(f"an S3 URL must be s3://bucket or s3://bucket/prefix, got {url!r}")
    return parts.netloc, parts.path.strip("/")
