"""Taking one table from where it is kept."""

from pathlib import Path

from overread.adapters.urls import is_remote, parse_local_path
from overread.errors import InputError, StorageError

_S3 = "s3://"


def fetch_table(address: str, folder: Path) -> Path:
    """Bring a table to this machine.

    Args:
        address: a path, a file:// URL, or s3://bucket/…/name.csv.
        folder: gets a table that is not on this machine.

    Returns:
        Path of the file; a local one stays where it is.

    Raises:
        InputError: the address is of another kind.
        StorageError: there is no such object in the bucket.
    """
    if not is_remote(address):
        return parse_local_path(address)
    prefix, _, name = address.rpartition("/")
    if not address.startswith(_S3) or not name:
        raise InputError("a table must be a path or an s3:// URL", found=repr(address), hint="download it first")
    from overread.adapters.s3_blobs import S3Blobs

    folder.mkdir(parents=True, exist_ok=True)
    if not S3Blobs.open(prefix).read(name, folder / name):
        raise StorageError(f"a table must exist, got nothing at {address}.")
    return folder / name
