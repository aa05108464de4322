"""A consensus as a new source of a study."""

from pathlib import Path

import numpy as np
import pytest

from overread.errors import InputError
from overread.labels.consensus import ConsensusSettings
from overread.labels.staple import StapleSettings
from overread.runs import make_consensus
from overread.study.check import check_study
from overread.study.rasters import write_mask
from overread.study.schema import Provenance
from overread.study.study import Study
from tests.studies import write_cubes, write_squares

MAJORITY, STAPLE = ConsensusSettings(method="majority"), ConsensusSettings(method="staple")


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return write_squares(tmp_path / "study", case_count=4)


def make(study: Study, settings: ConsensusSettings, *sources: str, name: str = "") -> list[str]:
    return make_consensus.run(study.root, settings, sources=sources or ("ann", "ben"), name=name).splitlines()


@pytest.mark.parametrize("write", [write_squares, write_cubes])
@pytest.mark.parametrize("method", ["majority", "staple"])
def test_a_consensus_becomes_a_source_and_the_study_stays_sound(write, method, tmp_path):
    study = write(tmp_path / "study", case_count=2)
    name = f"consensus-{method}"
    assert make(study, ConsensusSettings(method=method)) == [
        f"{name}: {method} of ann, ben in 2 cases",
        f"added {name}; version it with `overread study commit`",
    ]
    found = Study.open(study.root)
    check_study(study.root)
    assert found.settings.sources[name].kind == "consensus"
    assert name not in found.select_sources()
    for case_id in study.case_ids:  # ben outlines one voxel more than ann on every side.
        assert np.array_equal(found.labels(name).read(case_id), study.labels("ann").read(case_id))


def test_what_a_vote_did_not_settle_is_told(study):
    study.labels("ben").path("case01").unlink()
    for source in ("ann", "ben"):
        study.labels(source).path("case02").unlink()
    settings = ConsensusSettings(method="staple", staple=StapleSettings(iteration_limit=1))
    assert make(study, settings)[:-1] == [
        "consensus-staple: staple of ann, ben in 3 cases",
        "1 labelled by one of them alone, whose mask is kept",
        "1 further cases labelled by none of them are left out",
        "not converged after 1 iterations: case00, case03",
    ]
    cases = Provenance.read_yaml(study.provenance_path("consensus-staple")).cases
    assert cases["case01"] == {"raters": ["ann"], "is_single": True}
    assert cases["case00"]["is_converged"] is False
    assert not study.labels("consensus-staple").path("case02").exists()


def test_the_same_consensus_again_changes_nothing_in_any_order_of_the_sources(study):
    first = make(study, STAPLE)
    before = {path: path.read_bytes() for path in study.root.rglob("*") if path.is_file()}
    again = make(study, STAPLE, "ben", "ann")
    assert again == [first[0], "the study holds consensus-staple already"]
    assert {path: path.read_bytes() for path in study.root.rglob("*") if path.is_file()} == before


def test_another_consensus_of_that_name_is_refused(study):
    make(study, MAJORITY, name="agreed")
    with pytest.raises(InputError, match="never overwritten"):
        make(study, STAPLE, name="agreed")
    with pytest.raises(InputError, match="never overwritten"):
        make(study, MAJORITY, name="ann")
    path = study.labels("ann").path("case00")
    write_mask(path, ~study.labels("ann").read("case00"), None)
    with pytest.raises(InputError, match="never overwritten"):
        make(study, MAJORITY, name="agreed")
    assert sorted(Study.open(study.root).settings.sources) == ["agreed", "ann", "ben"]


def test_a_consensus_may_have_a_vote_in_another(study):
    make(study, MAJORITY)
    make(study, STAPLE, "ben", "consensus-majority", name="second")
    parents = Provenance.read_yaml(study.provenance_path("second")).parents
    assert list(parents) == ["ben", "consensus-majority"]


def test_what_cannot_be_made_is_refused_and_leaves_nothing(study):
    with pytest.raises(InputError, match="the name of a source"):
        make(study, STAPLE, name="../ann")
    with pytest.raises(InputError, match="two or more sources, got ann"):
        make(study, STAPLE, "ann")
    write_mask(study.labels("ben").path("case02"), np.zeros((3, 3), np.bool_), None)
    with pytest.raises(InputError, match="masks of a case must have one shape"):
        make(study, STAPLE)
    assert sorted(path.name for path in (study.root / "labels").iterdir()) == ["ann", "ben"]
