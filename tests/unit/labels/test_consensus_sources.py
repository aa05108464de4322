"""The majority, and a consensus of the sources of a study."""

from pathlib import Path

import numpy as np
import pytest

from overread.errors import InputError, SettingsError
from overread.labels.consensus import (
    Consensus,
    ConsensusSettings,
    count_ties,
    describe_consensus,
    make_consensus,
    vote_by_majority,
)
from overread.labels.vote_patterns import count_vote_patterns
from overread.study.digest import compute_source_digest
from overread.study.rasters import write_mask
from overread.study.schema import Provenance, SourceSettings
from overread.study.study import Study, add_source
from tests.studies import write_cubes, write_squares

MAJORITY, STAPLE = ConsensusSettings(method="majority"), ConsensusSettings(method="staple")


def add_cat(study: Study) -> Study:
    """Add a third source: the block moved by one voxel along the first axis."""
    labels = study.labels("ann")
    masks = ((case_id, np.roll(labels.read(case_id), 1, 0), study.read_affine(case_id)) for case_id in study.case_ids)
    add_source(
        study.root, "cat", settings=SourceSettings(kind="human"), masks=masks, provenance=Provenance(operation="import")
    )
    return Study.open(study.root)


@pytest.fixture
def study(tmp_path: Path) -> Study:
    """Three sources; case01 lacks ben, case02 has ann alone, case03 has none."""
    found = add_cat(write_squares(tmp_path / "study", case_count=4))
    for case_id, missing in {"case01": ("ben",), "case02": ("ben", "cat"), "case03": ("ann", "ben", "cat")}.items():
        for source in missing:
            found.labels(source).path(case_id).unlink()
    return found


def read_masks(consensus: Consensus) -> dict[str, np.ndarray]:
    return {case_id: mask for case_id, mask, _ in consensus.iterate_masks()}


def test_the_majority_needs_more_than_half_and_a_tie_is_background():
    votes = np.array([[0, 1, 1, 1, 1], [0, 0, 1, 1, 1], [0, 0, 0, 1, 1], [0, 0, 0, 0, 1]], np.bool_)
    four, three = count_vote_patterns(votes), count_vote_patterns(votes[:3])
    assert vote_by_majority(four).tolist() == [False, False, False, True, True]
    assert vote_by_majority(three).tolist() == [False, False, True, True, True]
    assert (count_ties(four), count_ties(three)) == (1, 0)


def test_two_raters_have_in_common_what_both_label():
    first, second = np.array([True, True, False, False]), np.array([True, False, True, False])
    patterns = count_vote_patterns([first, second])
    assert vote_by_majority(patterns).tolist() == [True, False, False, False]
    assert count_ties(patterns) == 2


def test_each_case_is_voted_on_by_the_raters_who_labelled_it(study):
    found = make_consensus(study, ["ann", "ben", "cat"], MAJORITY)
    ann, ben, cat = (study.labels(name).read("case00") for name in ("ann", "ben", "cat"))
    masks = read_masks(found)
    assert list(masks) == ["case00", "case01", "case02"]
    assert np.array_equal(masks["case00"], ann & ben | ann & cat | ben & cat)
    assert np.array_equal(masks["case01"], study.labels("ann").read("case01") & study.labels("cat").read("case01"))
    assert np.array_equal(masks["case02"], study.labels("ann").read("case02"))
    edge = np.count_nonzero(study.labels("ann").read("case01") ^ study.labels("cat").read("case01"))
    assert found.provenance.cases == {
        "case00": {"raters": ["ann", "ben", "cat"], "is_single": False, "tied_count": 0},
        "case01": {"raters": ["ann", "cat"], "is_single": False, "tied_count": edge},
        "case02": {"raters": ["ann"], "is_single": True},
    }


def test_the_provenance_names_parents_parameters_and_the_weight_of_every_rater(study):
    provenance = make_consensus(study, ["cat", "ann", "ben"], STAPLE).provenance
    assert provenance.operation == "consensus"
    assert provenance.parents == {name: compute_source_digest(study, name) for name in ("ann", "ben", "cat")}
    assert provenance.parameters == {
        "method": "staple",
        "sources": ["ann", "ben", "cat"],
        "tolerance": 1e-7,
        "iteration_limit": 10_000,
    }
    result = provenance.cases["case00"]
    assert list(result) == [
        "raters",
        "is_single",
        "iterations",
        "is_converged",
        "prior",
        "sensitivity",
        "specificity",
    ]
    # ben outlines all that ann and cat do, and more.
    assert result["sensitivity"]["ben"] == 1
    assert result["specificity"]["ben"] < min(result["specificity"]["ann"], result["specificity"]["cat"])
    votes = sum(study.labels(name).read("case00").mean() for name in ("ann", "ben", "cat"))
    assert result["prior"] == pytest.approx(votes / 3, abs=5e-7)
    assert result["is_converged"]
    assert list(provenance.cases["case01"]["sensitivity"]) == ["ann", "cat"]
    assert provenance.cases["case02"] == {"raters": ["ann"], "is_single": True}
    assert describe_consensus(study, ["ben", "cat", "ann"], STAPLE) == provenance.model_copy(update={"cases": {}})


def test_masks_are_made_with_their_affine_in_3d(tmp_path):
    study = add_cat(write_cubes(tmp_path / "study", case_count=1, size=16))
    ((_, mask, affine),) = make_consensus(study, ["ann", "ben", "cat"], STAPLE).iterate_masks()
    assert np.array_equal(affine, study.read_affine("case00"))
    assert mask.shape == (16, 16, 16)
    assert (mask & study.labels("ben").read("case00")).sum() == mask.sum() > 0


@pytest.mark.parametrize("settings", [MAJORITY, STAPLE])
def test_a_case_in_which_nobody_finds_anything_is_empty_and_has_no_sensitivity(settings, study):
    for name in ("ann", "ben", "cat"):
        path = study.labels(name).path("case00")
        write_mask(path, np.zeros_like(study.labels("ann").read("case01")), None)
    found = make_consensus(study, ["ann", "ben", "cat"], settings)
    assert not read_masks(found)["case00"].any()
    result = found.provenance.cases["case00"]
    unknown = {"ann": None, "ben": None, "cat": None}
    assert result.get("sensitivity", unknown) == unknown
    assert result.get("is_converged", True)


def test_an_estimation_that_ends_early_is_marked(study):
    settings = ConsensusSettings.parse({"method": "staple", "staple": {"iteration_limit": 1}}, where="tests")
    provenance = make_consensus(study, ["ann", "ben", "cat"], settings).provenance
    assert (provenance.cases["case00"]["iterations"], provenance.cases["case00"]["is_converged"]) == (1, False)
    assert provenance.parameters["iteration_limit"] == 1


def test_sources_that_make_no_consensus_are_refused(study):
    with pytest.raises(InputError, match="a consensus must have two or more sources, got ann"):
        make_consensus(study, ["ann"], MAJORITY)
    with pytest.raises(InputError, match="a consensus must have two or more sources, got none"):
        make_consensus(study, [], MAJORITY)
    with pytest.raises(InputError, match="must be one of the study, got 'nobody'"):
        make_consensus(study, ["ann", "nobody"], MAJORITY)
    with pytest.raises(InputError, match="must be named once, got 'ann'"):
        make_consensus(study, ["ann", "ann"], MAJORITY)
    study.labels("ben").path("case00").unlink()
    with pytest.raises(InputError, match="labelled by two of the sources, got none; sources ben, cat"):
        make_consensus(study, ["cat", "ben"], MAJORITY)
    with pytest.raises(SettingsError, match="method"):
        ConsensusSettings.parse({"method": "average"}, where="tests")


def test_masks_of_another_shape_or_place_are_refused(tmp_path):
    study = write_cubes(tmp_path / "study", case_count=1, size=16)
    path, affine = study.labels("ben").path("case00"), study.read_affine("case00")
    mask = study.labels("ben").read("case00")
    write_mask(path, mask[1:], affine)
    with pytest.raises(InputError, match=r"one shape, got \(16, 16, 16\) and \(15, 16, 16\); case 'case00', sources"):
        make_consensus(study, ["ann", "ben"], MAJORITY)
    write_mask(path, mask, affine + np.diag([0, 0, 0.5, 0]))
    with pytest.raises(InputError, match="one affine; case 'case00', sources 'ann' and 'ben'"):
        make_consensus(study, ["ann", "ben"], STAPLE)
