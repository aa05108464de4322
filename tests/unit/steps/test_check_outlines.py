import csv
from pathlib import Path

import numpy as np
import pytest

from overread.errors import InputError
from overread.labels.edge_profile import build_offsets
from overread.labels.outline_direction import judge_outlines
from overread.report.figures.edge_profile import draw_edge_profile
from overread.runs import check_outlines
from overread.study.demo import write_demo_of_kind
from overread.study.rasters import write_mask
from overread.study.schema import Provenance, SourceSettings
from overread.study.study import Study, add_source
from tests.command_line import run_overread


@pytest.fixture(scope="module")
def organ(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("outlines") / "organ"
    write_demo_of_kind(root, "organ", {"train-cases": 14, "validation-cases": 1, "test-cases": 1})
    return root


@pytest.fixture(scope="module")
def blank(organ: Path) -> Path:
    """The study with a source whose three masks are empty."""
    study = Study.open(organ)
    masks = [(case_id, np.zeros((64, 64), np.bool_), None) for case_id in study.case_ids[:3]]
    provenance = Provenance(operation="import")
    add_source(organ, "blank", settings=SourceSettings(kind="human"), masks=masks, provenance=provenance)
    return organ


def read_table(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


@pytest.mark.parametrize(
    ("source", "statement", "advice"),
    [
        (
            "truth",
            "truth: drawn on the edges of the images (interval 0 to 0, 100% of resamples agree)",
            "leave alone: ",
        ),
        (
            "rater1",
            "rater1: drawn inside the edges of the images by 1 px (interval 1 to 1, ",
            "grow: outlines moved outwards by 1 px",
        ),
        (
            "rater2",
            "rater2: drawn outside the edges of the images by 2 px (interval −2 to −2, ",
            "shrink: but see some clean cases",
        ),
    ],
)
def test_the_command_says_where_outlines_are_drawn(organ: Path, source: str, statement: str, advice: str):
    done = run_overread("labels", "check-outlines", organ, "--source", source)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 1 + 11 + 2
    assert lines[-2].startswith(statement)
    assert lines[-1].startswith(advice)


def test_the_output_folder_holds_a_figure_and_each_case(organ: Path, tmp_path: Path):
    text = check_outlines.run(organ, source="rater2", reach=4, output=tmp_path / "out")
    assert text.endswith(f"wrote {tmp_path / 'out'}")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["cases.csv", "outlines.svg", "profile.csv"]
    cases = read_table(tmp_path / "out" / "cases.csv")
    assert cases[0] == ["case_id", "subject_id", "offset_px", "contrast"]
    assert [row[0] for row in cases[1:]] == list(Study.open(organ).case_ids)
    assert {row[2] for row in cases[1:]} <= {"-3", "-2", "-1"}
    profile = read_table(tmp_path / "out" / "profile.csv")
    assert [row[0] for row in profile[1:]] == [str(offset) for offset in range(-4, 5)]
    assert max(profile[1:], key=lambda row: float(row[1]))[0] == "-2"
    assert all(float(low) <= float(mean) <= float(high) for _, mean, low, high in profile[1:])
    assert "outlines moved outwards by (px)" in (tmp_path / "out" / "outlines.svg").read_text(encoding="utf-8")


def test_the_same_seed_gives_the_same_files(organ: Path, tmp_path: Path):
    for name in ("first", "second"):
        check_outlines.run(organ, source="rater1", output=tmp_path / name)
    for path in (tmp_path / "first").iterdir():
        assert path.read_bytes() == (tmp_path / "second" / path.name).read_bytes()


def test_cases_without_foreground_are_left_out(blank: Path):
    study = Study.open(blank)
    write_mask(study.labels("blank").path("organ-03"), study.labels("truth").read("organ-03"), None)
    checked = check_outlines.check_outlines(study, "blank", reach=5, seed=0)
    assert list(checked.profiles) == ["organ-03"]
    assert "interval unknown with one subject" in check_outlines.describe(checked)
    assert check_outlines.describe(checked).endswith("leave alone: no direction is sure")
    write_mask(study.labels("blank").path("organ-03"), np.zeros((64, 64), np.bool_), None)
    with pytest.raises(InputError, match=r"mask with foreground.*'blank'"):
        check_outlines.run(blank, source="blank")


def test_edges_beyond_the_reach_are_not_taken_for_none(organ: Path):
    assert check_outlines.run(organ, source="rater2", reach=2).endswith("a larger reach may find an edge")


def test_an_unknown_source_a_short_reach_and_a_folder_of_labels_are_refused(organ: Path):
    with pytest.raises(InputError, match="'nobody'"):
        check_outlines.run(organ, source="nobody")
    with pytest.raises(InputError, match="reach must be at least 2 steps, got 1"):
        check_outlines.run(organ, source="truth", reach=1)
    with pytest.raises(InputError, match="must not lie among the labels"):
        check_outlines.run(organ, source="truth", output=organ / "labels" / "new")


def test_the_figure_says_in_words_what_it_shows():
    offsets = build_offsets([(1.0, 1.0)], 5)
    peak, flat = 1 - 0.1 * np.abs(offsets + 2), np.ones(11)
    subjects = ["a", "b"]
    figures = [draw_edge_profile(judge_outlines([own, own], subjects, offsets), "px") for own in (peak, flat)]
    assert figures[0].alt == "Of outlines moved by −5 to 5 px, the gradient is largest at −2 px."
    assert figures[1].alt == "Between −5 and 5 px the gradient has no clear maximum."
