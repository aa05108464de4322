import pytest

from overread.adapters.dvc_repository import parse_tracked_digest
from overread.errors import VersioningError

DIGEST = f"{'0123456789abcdef' * 2}.dir"


def write(**changes: str) -> str:
    fields = {"md5": DIGEST, "path": "images", **changes}
    return "outs:\n- " + "\n  ".join(f"{name}: {value}" for name, value in fields.items())


def test_the_digest_of_the_tracked_folder_is_read() -> None:
    assert parse_tracked_digest(write(), name="images") == DIGEST


@pytest.mark.parametrize(
    "text",
    [
        "",
        "outs: []",
        "just text",
        write() + "\n- md5: 0",
        write(path="../../outside"),
        write(path="/etc"),
        write(md5="../../secret"),
        write(md5=DIGEST.removesuffix(".dir")),
    ],
)
def test_a_file_that_tracks_anything_else_is_refused(text: str) -> None:
    with pytest.raises(VersioningError, match=r"images\.dvc"):
        parse_tracked_digest(text, name="images")
