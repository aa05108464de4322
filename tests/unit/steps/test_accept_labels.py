"""Relabelled masks that a reviewer accepts."""

from pathlib import Path

import numpy as np
import pytest

from overread.errors import InputError
from overread.questions.relabel.steps import accept_labels, relabel_labels
from overread.questions.relabel.steps.settled_change import RelabelChoice
from overread.study.check import check_study
from overread.study.digest import compute_source_digest
from overread.study.rasters import write_mask
from overread.study.schema import Provenance
from overread.study.study import Study
from tests.doubtful_studies import write_maps
from tests.relabel_rules import flip
from tests.studies import write_cubes, write_squares


def relabel(study: Study, name: str = "", *, largest_change: float = 0.5) -> Study:
    """Relabel ann: case00 is left alone, the last case has no map, all others change."""
    maps = study.root.parent / "maps"
    choice = RelabelChoice(rule="paper", threshold=0.1, guards=flip(largest_change=largest_change).guards)
    if not maps.exists():
        write_maps(study, maps)
    relabel_labels.run(study.root, "ann", choice, uncertainty=maps, name=name)
    return Study.open(study.root)


def accept(study: Study, *case_ids: str, source: str = "ann-relabelled", name: str = "") -> str:
    return accept_labels.run(study.root, source=source, case_ids=case_ids, name=name)


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return relabel(write_squares(tmp_path / "study", case_count=5))


@pytest.mark.parametrize("write", [write_squares, write_cubes])
def test_accepted_cases_are_relabelled_and_all_others_as_given(write, tmp_path):
    study = relabel(write(tmp_path / "study", case_count=5))
    told = accept(study, "case02", "case01")
    assert told.splitlines() == [
        "ann-reviewed: 2 of 5 cases from ann-relabelled, the others from ann",
        "added ann-reviewed; version it with `overread study commit`",
    ]
    found = Study.open(study.root)
    assert found.settings.sources["ann-reviewed"].kind == "relabelled"
    for case_id in study.case_ids:
        origin = "ann-relabelled" if case_id in ("case01", "case02") else "ann"
        assert np.array_equal(found.labels("ann-reviewed").read(case_id), study.labels(origin).read(case_id))
    assert not np.array_equal(study.labels("ann").read("case01"), study.labels("ann-relabelled").read("case01"))
    check_study(study.root)


def test_the_provenance_names_both_parents_and_every_decision(study):
    accept(study, "case03")
    provenance = Provenance.read_yaml(study.provenance_path("ann-reviewed"))
    assert provenance.operation == "accept"
    assert provenance.parents == {name: compute_source_digest(study, name) for name in ("ann", "ann-relabelled")}
    assert provenance.parameters == {"source": "ann", "relabelled": "ann-relabelled"}
    assert provenance.cases == {case_id: {"is_accepted": case_id == "case03"} for case_id in study.case_ids}


def test_the_same_decision_again_changes_nothing_and_another_needs_a_name(study):
    accept(study, "case01")
    assert "the study holds ann-reviewed already" in accept(study, "case01")
    with pytest.raises(InputError, match="never overwritten"):
        accept(study, "case02")
    accept(study, "case02", name="second-look")
    assert "second-look" in Study.open(study.root).settings.sources


def test_a_case_that_was_left_alone_is_accepted_after_relabelling_with_a_larger_limit(study):
    narrow = relabel(study, "narrow", largest_change=0.05)
    with pytest.raises(InputError, match=r"left alone.*case 'case01'.*--largest-change 0\.\d\d and another --name"):
        accept(narrow, "case01", source="narrow")
    assert "ann-reviewed" not in Study.open(study.root).settings.sources
    accept(study, "case01")


def test_a_case_that_would_be_emptied_cannot_be_accepted_under_any_limit(study):
    with pytest.raises(InputError, match=r"left alone.*case 'case00'.*a label is never emptied"):
        accept(study, "case01", "case00")


def test_what_cannot_be_accepted_is_refused(study):
    with pytest.raises(InputError, match="must name one or more cases"):
        accept(study)
    with pytest.raises(InputError, match="must be one of the source, got 'case99'; source 'ann-relabelled'"):
        accept(study, "case99")
    with pytest.raises(InputError, match="got one without a map; case 'case04'"):
        accept(study, "case04")
    with pytest.raises(InputError, match="a source must be one of the study, got 'nobody'"):
        accept(study, "case01", source="nobody")
    with pytest.raises(InputError, match="the name of a source"):
        accept(study, "case01", name="../ann")
    with pytest.raises(InputError, match="never overwritten"):
        accept(study, "case01", name="ben")
    assert sorted(Study.open(study.root).settings.sources) == ["ann", "ann-relabelled", "ben"]


def test_a_source_that_was_not_made_by_relabelling_is_refused(study):
    accept(study, "case01")
    with pytest.raises(InputError, match="must be made by relabelling to be accepted from, got none is recorded"):
        accept(study, "case01", source="ann")
    with pytest.raises(InputError, match="got the operation 'accept'; source 'ann-reviewed'"):
        accept(study, "case01", source="ann-reviewed")


def test_labels_that_changed_since_are_not_mixed_with_old_proposals(study):
    path = study.labels("ann").path("case04")
    write_mask(path, ~study.labels("ann").read("case04"), None)
    with pytest.raises(InputError, match="must be those that were relabelled, got other masks; source 'ann'"):
        accept(study, "case01")
