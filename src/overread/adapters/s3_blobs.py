"""Files in an S3 bucket, Amazon's or that of another server."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from overread.adapters.environment import read_environment
from overread.adapters.urls import parse_s3_url
from overread.errors import StorageError

_CONNECT_TIMEOUT_SECONDS = 10
_READ_TIMEOUT_SECONDS = 60
_ATTEMPTS = 3
_MISSING = ("404", "NoSuchKey", "NotFound")
_EXISTING = ("412", "PreconditionFailed", "409", "ConditionalRequestConflict")
"""What a server answers to a conditional write that came too late."""


class S3Blobs:
    """Files below a prefix of a bucket; credentials are found by boto3, the endpoint by `read_environment`."""

    def __init__(self, client: Any, bucket: str, prefix: str) -> None:
        self._client = client
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""
        self.url = f"s3://{bucket}/{prefix}".rstrip("/")

    @classmethod
    def open(cls, url: str) -> "S3Blobs":
        """Make a client; nothing is sent yet.

        Raises:
            StorageError: the URL names no bucket.
        """
        from boto3.session import Session
        from botocore.config import Config

        try:
            bucket, prefix = parse_s3_url(url)
        except ValueError as error:
            raise StorageError(f"{error}.") from error
        settings = Config(
            connect_timeout=_CONNECT_TIMEOUT_SECONDS,
            read_timeout=_READ_TIMEOUT_SECONDS,
            retries={"total_max_attempts": _ATTEMPTS, "mode": "standard"},
        )
        # A session of its own: the shared one keeps the first credentials that it saw and is not safe across threads.
        client = Session().client("s3", endpoint_url=read_environment().s3_endpoint_url, config=settings)
        return cls(client, bucket, prefix)

    def write(self, name: str, source: Path) -> None:
        """Upload a file; S3 shows it once it is whole."""
        with self._describing_failures("written", name):
            self._client.upload_file(str(source), self._bucket, self._prefix + name)

    def create(self, name: str, source: Path) -> bool:
        """Upload a small file on the condition that there is none, which the server checks."""
        request = {"Bucket": self._bucket, "Key": self._prefix + name, "Body": source.read_bytes()}
        with self._describing_failures("written", name):
            return _succeeds(lambda: self._client.put_object(**request, IfNoneMatch="*"), refusals=_EXISTING)

    def read(self, name: str, target: Path) -> bool:
        """Download a file."""
        with self._describing_failures("read", name):
            return _succeeds(lambda: self._client.download_file(self._bucket, self._prefix + name, str(target)))

    def contains(self, name: str) -> bool:
        """Ask for a file's header."""
        with self._describing_failures("read", name):
            return _succeeds(lambda: self._client.head_object(Bucket=self._bucket, Key=self._prefix + name))

    def list_names(self, prefix: str) -> list[str]:
        """List the bucket page by page."""
        with self._describing_failures("listed", prefix):
            paginator = self._client.get_paginator("list_objects_v2")
            pages = paginator.paginate(Bucket=self._bucket, Prefix=self._prefix + prefix)
            keys = [entry["Key"] for page in pages for entry in page.get("Contents", ())]
        return sorted(key.removeprefix(self._prefix) for key in keys)

    def remove(self, prefix: str) -> None:
        """Delete one by one: deletion in bulk needs a checksum that not every server accepts."""
        names = self.list_names(prefix) if prefix.endswith("/") else [prefix]
        with self._describing_failures("changed", prefix):
            for name in names:
                self._client.delete_object(Bucket=self._bucket, Key=self._prefix + name)

    @contextmanager
    def _describing_failures(self, verb: str, name: str) -> Iterator[None]:
        from boto3.exceptions import Boto3Error
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            yield
        except (Boto3Error, BotoCoreError, ClientError) as error:
            raise StorageError(
                f"the result store must be one that can be {verb}; {self.url}/{name}: {str(error).rstrip('.')}. "
                "Hint: check that the bucket exists, the credentials and AWS_ENDPOINT_URL."
            ) from error


def _succeeds(request: Callable[[], object], *, refusals: Sequence[str] = _MISSING) -> bool:
    """Send a request; False where the server refuses it for one of the given reasons."""
    from botocore.exceptions import ClientError

    try:
        request()
    except ClientError as error:
        if error.response["Error"]["Code"] in refusals:
            return False
        raise
    return True
