"""A relabelled source, from stored maps to a source of a study."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml

from overread.errors import InputError, SettingsError
from overread.inference.uncertainty_maps import UncertaintyMaps, write_uncertainty
from overread.questions.relabel.steps import relabel_labels
from overread.questions.relabel.steps.relabel_source import add_relabelled_source, make_relabelled_source
from overread.questions.relabel.steps.relabelled_folder import RelabelledFolder
from overread.questions.relabel.steps.settled_change import RelabelChoice
from overread.runs.map_collection import MapCollection, open_map_folder
from overread.study.check import check_study
from overread.study.digest import compute_source_digest
from overread.study.label_set import LabelSet
from overread.study.rasters import write_mask
from overread.study.schema import Provenance
from overread.study.study import Study
from tests.doubtful_studies import find_first_row, make_maps, write_maps
from tests.relabel_rules import flip
from tests.studies import write_cubes, write_squares

AT_A_TENTH = RelabelChoice(rule="paper", threshold=0.1, guards=flip().guards)


def collect(study: Study) -> MapCollection:
    """Maps of all cases but the last, made when they are asked for."""
    return MapCollection(
        read=lambda case_id: make_maps(study, case_id),
        case_ids=study.case_ids[:-1],
        parents={"network 1": "ab" * 32},
        parameters={"method": "mc_dropout", "epochs": [7]},
    )


def make(study: Study, output: Path, *, choice: RelabelChoice = AT_A_TENTH, name: str = "new") -> RelabelledFolder:
    return make_relabelled_source(study, "ann", collect(study), name=name, choice=choice, output=output)


def read_all(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return write_squares(tmp_path / "study", case_count=4)


@pytest.mark.parametrize("write", [write_squares, write_cubes])
def test_uncertain_voxels_change_sides_and_all_other_cases_keep_their_masks(write, tmp_path):
    study = write(tmp_path / "study", case_count=4)
    before = read_all(study.root)
    made = make(study, tmp_path / "out")
    masks = {case_id: (mask, affine) for case_id, mask, affine in made.iterate_masks(study.suffix)}
    given = study.labels("ann")
    assert tuple(masks) == study.case_ids
    for case_id in study.case_ids[1:-1]:
        mask = given.read(case_id)
        assert np.array_equal(masks[case_id][0], mask & ~find_first_row(mask))
    for case_id in (study.case_ids[0], study.case_ids[-1]):
        assert np.array_equal(masks[case_id][0], given.read(case_id))
    affine = study.read_affine("case00")
    assert all(found is None if affine is None else np.array_equal(found, affine) for _, found in masks.values())
    assert read_all(study.root) == before


def test_the_provenance_says_how_each_mask_came_about(study, tmp_path):
    provenance = make(study, tmp_path / "out").read_provenance()
    assert provenance.operation == "relabel"
    assert provenance.parents == {"network 1": "ab" * 32, "ann": compute_source_digest(study, "ann")}
    assert provenance.parameters == {
        "method": "mc_dropout",
        "epochs": [7],
        "source": "ann",
        "threshold": 0.1,
        "threshold_rule": "given",
        "rule": "paper",
        "change": {"kind": "flip", "threshold": 0.1, "which": "all"},
        "grid": [],
        "clean_case_ids": [],
        "verdict": None,
        "remark": "",
        "clean_source": "",
        "guards": AT_A_TENTH.guards.model_dump(mode="json"),
        "stopped": "",
    }
    mask, uncertainty = study.labels("ann").read("case01"), make_maps(study, "case01").aleatoric
    height = int(mask.any(axis=1).sum())
    assert provenance.cases["case01"] == {
        "has_map": True,
        "changed_count": int(mask.any(axis=0).sum()),
        "changed_share": pytest.approx(1 / height, abs=1e-6),
        "area_ratio": pytest.approx(1 - 1 / height, abs=1e-6),
        "is_kept": False,
        "refusal": "",
        "cumulative_uncertainty": pytest.approx(float(uncertainty.sum(dtype=np.float64)), abs=1e-6),
    }
    assert provenance.cases["case00"]["is_kept"] is True
    assert provenance.cases["case00"]["changed_share"] == 1.0
    assert provenance.cases["case03"] == {"has_map": False}


def test_a_threshold_that_is_not_given_is_chosen_from_the_maps_of_labelled_cases(study, tmp_path):
    # Two values, 0.01 and 0.2, fill one bin each; the middle of the borders between them separates best.
    parameters = (
        make(study, tmp_path / "out", choice=RelabelChoice(rule="paper", guards=flip().guards))
        .read_provenance()
        .parameters
    )
    assert parameters["threshold"] == pytest.approx((0.01 + 0.2) / 2, abs=0.002)
    assert parameters["threshold_rule"] == "otsu"


def test_infinite_numbers_are_null_in_the_provenance(study, tmp_path):
    maps = replace(collect(study), read=lambda _: make_maps(study, "case00"))
    write_mask(study.labels("ann").path("case01"), np.zeros((24, 24), np.bool_), None)
    made = make_relabelled_source(study, "ann", maps, name="n", choice=AT_A_TENTH, output=tmp_path / "out")
    result = made.read_provenance().cases["case01"]
    assert (result["changed_share"], result["area_ratio"], result["is_kept"]) == (None, None, True)
    json.dumps(yaml.safe_load(made.provenance_file.read_text()), allow_nan=False)


def test_a_review_list_lies_beside_the_masks(study, tmp_path):
    made = make(study, tmp_path / "out")
    assert sorted(path.name for path in made.review_folder.iterdir()) == ["cases.csv", "regions.csv", "review.html"]
    rows = (made.review_folder / "cases.csv").read_text().splitlines()
    assert rows[1].startswith("1,case00,true,0.2,")
    assert len(rows) == 1 + 3
    assert "method mc_dropout" in (made.review_folder / "review.html").read_text()


def test_it_becomes_a_source_of_a_study_without_images_once(study, tmp_path):
    made = make(study, tmp_path / "out")
    bare = tmp_path / "bare"
    bare.mkdir()
    for name in ("study.yaml", "cases.csv"):
        (bare / name).write_bytes((study.root / name).read_bytes())
    assert add_relabelled_source(bare, made) is True
    assert add_relabelled_source(bare, made) is False
    found = Study.open(bare)
    assert found.settings.sources["new"].kind == "relabelled"
    assert found.labelled_case_ids("new") == study.case_ids
    assert Provenance.read_yaml(found.provenance_path("new")) == made.read_provenance()
    assert add_relabelled_source(study.root, made) is True
    check_study(study.root)


def test_another_source_of_that_name_is_not_overwritten(study, tmp_path):
    add_relabelled_source(study.root, make(study, tmp_path / "first"))
    before = read_all(study.root)
    with pytest.raises(InputError, match="never overwritten; the study holds another one of that name, got 'new'"):
        add_relabelled_source(
            study.root,
            make(study, tmp_path / "second", choice=RelabelChoice(rule="paper", threshold=0.15, guards=flip().guards)),
        )
    with pytest.raises(InputError, match="never overwritten"):
        add_relabelled_source(study.root, make(study, tmp_path / "third", name="ben"))
    assert read_all(study.root) == before


def test_what_does_not_fit_is_refused_and_nothing_is_left_behind(study, tmp_path):
    maps, output = collect(study), tmp_path / "out"

    def attempt(found: MapCollection, source: str = "ann", name: str = "new") -> None:
        make_relabelled_source(study, source, found, name=name, choice=AT_A_TENTH, output=output)

    cut = replace(make_maps(study, "case01"), aleatoric=np.zeros((24, 23), np.float32))
    with pytest.raises(InputError, match=r"shape of its mask, \(24, 24\), got \(24, 23\); case 'case00'"):
        attempt(replace(maps, read=lambda _: cut))
    with pytest.raises(InputError, match="must be of labelled cases, got none; source 'ann'"):
        attempt(replace(maps, case_ids=("other",)))
    with pytest.raises(InputError, match="must be one of the study, got 'nobody'"):
        attempt(maps, source="nobody")
    for name in ("", "../out", "a/b", "a b"):
        with pytest.raises(InputError, match="the name of a source must be letters"):
            attempt(maps, name=name)
    assert [path.name for path in tmp_path.iterdir()] == ["study"]


def test_an_output_folder_that_holds_something_is_left_as_it_is(study, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match="new or empty"):
        make(study, tmp_path / "out")
    assert read_all(tmp_path / "out") == {"mine.txt": b"mine"}


def test_maps_are_opened_with_what_is_known_about_them(study, tmp_path):
    folder = write_maps(study, tmp_path / "maps")
    maps = open_map_folder(folder, study)
    assert maps.case_ids == study.case_ids[:-1]
    assert list(maps.parents) == ["uncertainty maps"]
    assert maps.read("case01").aleatoric == pytest.approx(make_maps(study, "case01").aleatoric, abs=1e-5)
    origin = Provenance(operation="estimate uncertainty", parents={"network 1": "cd"}, parameters={"method": "tta"})
    origin.write_yaml(folder / "provenance.yaml")
    known = open_map_folder(folder, study)
    assert known.parents == {**maps.parents, "network 1": "cd"}
    assert known.parameters == {"method": "tta"}
    write_uncertainty(folder, "case01", make_maps(study, "case00"), None)
    assert open_map_folder(folder, study).parents["uncertainty maps"] != maps.parents["uncertainty maps"]


def test_the_command_adds_the_source_and_tells_what_became_of_the_cases(study, tmp_path):
    maps = write_maps(study, tmp_path / "maps")
    told = relabel_labels.run(study.root, "ann", AT_A_TENTH, uncertainty=maps).splitlines()
    assert told == [
        "ann-relabelled: paper (δ 0.100), 2 of 4 cases changed, 1 left alone beyond the limits, 1 without a map",
        "added ann-relabelled; version it with `overread study commit`",
        f"review list: {study.root}/.overread/review/ann-relabelled/review.html",
    ]
    assert [path.name for path in (study.root / ".overread").iterdir()] == ["review"]
    assert set(read_all(study.root / ".overread/review")) == {
        f"ann-relabelled/{name}" for name in ("cases.csv", "regions.csv", "review.html")
    }
    masks = LabelSet("", study.root / "labels" / "ann-relabelled", ".png")
    assert masks.select_labelled(study.case_ids) == study.case_ids
    again = relabel_labels.run(study.root, "ann", AT_A_TENTH, uncertainty=maps)
    assert again.splitlines()[1] == "the study holds ann-relabelled already"


def test_the_review_list_can_be_put_elsewhere_but_over_nothing(study, tmp_path):
    maps, output = write_maps(study, tmp_path / "maps"), tmp_path / "list"
    choice = RelabelChoice(rule="paper", guards=flip().guards)
    told = relabel_labels.run(study.root, "ann", choice, uncertainty=maps, name="n", output=output)
    assert ", chosen from the maps)" in told
    assert (output / "review.html").is_file()
    for taken in (output, study.root / "labels" / "list"):
        with pytest.raises(InputError, match="output folder must"):
            relabel_labels.run(study.root, "ann", choice, uncertainty=maps, name="m", output=taken)
    assert "m" not in Study.open(study.root).settings.sources


def test_a_folder_without_maps_is_refused(study, tmp_path):
    with pytest.raises(InputError, match=r"must hold maps of cases of the study, got none in .*aleatoric"):
        relabel_labels.run(study.root, "ann", AT_A_TENTH, uncertainty=tmp_path / "nothing")


def test_without_a_rule_edges_decide_and_labels_on_their_edges_are_left_alone(study, tmp_path):
    """Of all blocks of ann the outline lies on the edge."""
    provenance = make(study, tmp_path / "out", choice=RelabelChoice()).read_provenance()
    assert (provenance.parameters["rule"], provenance.parameters["change"]) == ("edge", {"kind": "leave alone"})
    assert provenance.parameters["remark"].startswith("left alone")
    assert not any(case["changed_count"] for case in provenance.cases.values() if case["has_map"])
    maps = write_maps(study, tmp_path / "maps")
    told = relabel_labels.run(study.root, "ann", RelabelChoice(), uncertainty=maps).splitlines()
    assert told[0].startswith("ann-relabelled: edge (left alone, no clean label looked at), 0 of 4 cases changed")
    assert told[1].startswith("left alone: the images")


def test_clean_cases_decide_where_they_are_named_and_the_provenance_names_them(study, tmp_path):
    """ben outlines one voxel too much on every side, and the network sees the blocks of ann."""

    def read(case_id: str) -> UncertaintyMaps:
        block = study.labels("ann").read(case_id)
        probability = np.where(block, 0.9, 0.1).astype(np.float32)
        return UncertaintyMaps(probability, np.where(block, 0.09, 0.05).astype(np.float32), probability * 0)

    choice = RelabelChoice(clean_source="ann", clean_cases=("case00", "case01", "case03"))
    made = make_relabelled_source(
        study, "ben", replace(collect(study), read=read), name="new", choice=choice, output=tmp_path / "out"
    )
    provenance = made.read_provenance()
    assert (provenance.parameters["rule"], provenance.parameters["clean_source"]) == ("clean", "ann")
    assert provenance.parameters["clean_case_ids"] == ["case00", "case01"]  # The last case has no map.
    assert provenance.parents["ann"] == compute_source_digest(study, "ann")
    assert "2 clean cases" in provenance.parameters["remark"]
    masks = {case_id: mask for case_id, mask, _ in made.iterate_masks(study.suffix)}
    assert np.array_equal(masks["case02"], study.labels("ann").read("case02"))
    for wrong in ({"clean_source": "ann"}, {"clean_cases": ("case00",)}):
        with pytest.raises(SettingsError, match="given together"):
            RelabelChoice.parse(wrong, where="test")
    with pytest.raises(InputError, match="clean_cases must name cases with an uncertainty map"):
        make(study, tmp_path / "none", choice=RelabelChoice(clean_source="ben", clean_cases=("case03",)))


def test_a_repair_that_would_refuse_most_cases_changes_nothing_and_says_why(study, tmp_path):
    """A first row is more than a hundredth of every block."""
    guards = flip(largest_change=0.01).guards.model_copy(update={"most_refused": 0.5})
    made = make(study, tmp_path / "out", choice=RelabelChoice(rule="paper", threshold=0.1, guards=guards))
    provenance = made.read_provenance()
    assert provenance.parameters["stopped"] == "3 of 3 new masks were refused, more than 50%"
    assert all(case["is_kept"] for case in provenance.cases.values() if case["has_map"])
    assert "The repair was stopped" in (made.review_folder / "review.html").read_text()
