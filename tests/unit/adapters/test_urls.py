from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from overread.adapters.urls import hide_credentials, is_remote, parse_local_path, parse_s3_url


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://ada:secret@example.org/study.git", "https://example.org/study.git"),
        ("failed: 'http://token@host:5000/x' and https://b@c", "failed: 'http://host:5000/x' and https://c"),
        ("https://ada:p@ss@example.org/study.git", "https://example.org/study.git"),
        ("ssh://git@example.org/study.git", "ssh://git@example.org/study.git"),
        ("git+ssh://git:secret@example.org:22/x", "git+ssh://git@example.org:22/x"),
        ("https://example.org/a@b", "https://example.org/a@b"),
        ("mail ada@example.org", "mail ada@example.org"),
    ],
)
def test_credentials_are_hidden_and_nothing_else(text: str, shown: str) -> None:
    assert hide_credentials(text) == shown


@given(st.text(alphabet="abcXYZ019.:-_~%", min_size=1))
def test_no_password_survives(password: str) -> None:
    assert hide_credentials(f"see https://ada:{password}@example.org/x") == "see https://example.org/x"


@pytest.mark.parametrize(
    ("address", "remote"),
    [
        ("https://example.org/study.git", True),
        ("ssh://git@example.org/study.git", True),
        ("git@example.org:group/study.git", True),
        ("/data/study", False),
        ("study", False),
        ("./a@b/c:d", False),
        ("file:///data/study", False),
    ],
)
def test_urls_and_scp_addresses_are_remote_and_paths_are_not(address: str, remote: bool) -> None:
    assert is_remote(address) is remote


def test_a_file_url_is_a_path_with_its_escapes_undone() -> None:
    assert parse_local_path("file:///data/my%20study") == Path("/data/my study")
    assert parse_local_path("study") == Path.cwd() / "study"


@pytest.mark.parametrize(
    ("url", "parts"),
    [("s3://b", ("b", "")), ("s3://b/", ("b", "")), ("s3://b/some/prefix/", ("b", "some/prefix"))],
)
def test_an_s3_url_has_a_bucket_and_a_prefix(url: str, parts: tuple[str, str]) -> None:
    assert parse_s3_url(url) == parts


@pytest.mark.parametrize("url", ["s3:///prefix", "http://b/p", "b/p"])
def test_an_s3_url_without_a_bucket_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="s3://bucket"):
        parse_s3_url(url)
