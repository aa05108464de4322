"""Tables of ratings and outcomes in a bucket of a real S3 server."""

import uuid
from pathlib import Path

import pytest

from overread.adapters.s3_blobs import S3Blobs
from overread.errors import StorageError
from overread.questions.crowd_disagreement.steps import fetch_annotations
from overread.questions.crowd_disagreement.steps.disagreement_choice import DisagreementChoice

RATINGS = "case_id,colour_1,colour_2\na,1,2\nb,2,1\n"
OUTCOMES = "case_id,sick\na,0\nb,1\n"


@pytest.fixture
def bucket(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Address of a folder with two tables of one file name, each in a folder of its own."""
    request.getfixturevalue("s3")
    address = f"s3://studies/{uuid.uuid4().hex}"
    for folder, text in (("ratings", RATINGS), ("outcomes", OUTCOMES)):
        (tmp_path / folder).write_text(text)
        S3Blobs.open(f"{address}/{folder}").write("moles.csv", tmp_path / folder)
    return address


def fetch(bucket: str, target: Path, *, outcomes: str = "outcomes/moles.csv"):
    addresses = {"ratings": f"{bucket}/ratings/moles.csv", "outcomes": f"{bucket}/{outcomes}"}
    return fetch_annotations.run(**addresses, study="", revision="", sources=(), target=target)


def test_two_tables_of_one_name_are_fetched_and_told_apart(bucket, tmp_path):
    fetched = fetch(bucket, tmp_path / "annotations")
    assert (fetched.name, fetched.uri) == ("moles", f"{bucket}/ratings/moles.csv")
    data = fetch_annotations.open_annotations(tmp_path / "annotations", DisagreementChoice())
    texts = [(tmp_path / "annotations" / name / "moles.csv").read_text() for name in data.digests]
    assert texts == [RATINGS, OUTCOMES]


def test_a_table_that_is_not_in_the_bucket_is_named(bucket, tmp_path):
    with pytest.raises(StorageError, match=rf"a table must exist, got nothing at {bucket}/outcomes/none\.csv"):
        fetch(bucket, tmp_path / "annotations", outcomes="outcomes/none.csv")
