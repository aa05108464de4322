"""No command changes a label that exists, whatever names it is given, unless it is told to by `study add --replace`.

Every command runs on a copy of a study whose files are hard links to the original: a command that wrote into a file
instead of making a new one would change the original too.
"""

import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from cyclopts import App

from overread.adapters.versioning import fetch_study
from overread.cli import app
from overread.errors import OverreadError
from overread.study.cases import Case, write_cases
from overread.study.schema import Provenance, SourceSettings
from overread.study.study import add_source
from tests.doubtful_studies import write_maps
from tests.studies import make_preset, write_squares
from tests.unit.vendor_studies import make_probe_preset

WITHOUT_A_STUDY = {"presets", "model trace", "model promote", "model refuse", "model rollback"}
OF_PIPELINES = {"run", "submit", "upload", "schedule", "unschedule"}
"""What they run is fetched into a copy; `tests/services` tests what they commit."""


@dataclass(frozen=True)
class Folders:
    """What the commands are given.

    Attributes:
        study: linked copy of the study.
        original: the study itself.
        preset: settings of a training.
        probe: settings of a probe.
        network: a trained network.
        maps: uncertainty of most cases.
        masks: linked copy of ann's masks, as someone makes who wants to change them.
        raw: a data set, in the layout `folders`.
        new: does not exist.
    """

    study: Path
    original: Path
    preset: Path
    probe: Path
    network: Path
    maps: Path
    masks: Path
    raw: Path
    new: Path


def list_commands(commands: App, prefix: str = "") -> Iterator[str]:
    for name in commands:
        if not name.startswith("-"):
            inner = commands[name]
            nested = list(list_commands(inner, f"{prefix}{name} "))
            yield from nested or [f"{prefix}{name}"]


def call(line: str, folders: Folders) -> None:
    """Run a command as the shell would; `{study}` and the like stand for the folders."""
    words = [word.format(**vars(folders)) for word in line.split()]
    command, bound, _ = app.parse_args(words, exit_on_error=False, print_error=False)
    command(*bound.args, **bound.kwargs)


WORKS: Mapping[str, tuple[str, ...]] = {
    "study import": ("study import {raw} {new}",),
    "study demo": (),
    "study check": ("study check {study}",),
    "study info": ("study info {study}",),
    "study commit": ("study commit {study} --message first", "study commit {study} --message again"),
    "study add": (
        "study add {study} {raw}/labels/ann --source ann",
        "study add {study} {raw}/labels/ann/case01.png --source dora --kind human",
        "study add {study} {raw}/labels/ann --source dora",
    ),
    "study watch-state": ("study commit {study} --message first", "study watch-state {study} --since HEAD"),
    "study export": ("study export {study} {new} --layout nnunet --source ann",),
    "labels compare": ("labels compare {study} --reference ann --prediction ben --tolerance 1",),
    "labels agreement": ("labels agreement {study} --output {new}",),
    "labels check-outlines": ("labels check-outlines {study} --source ann --output {new}",),
    "labels add": ("labels add {study} {new}",),
    "labels perturb": (
        "labels perturb {study} --source ann --mode polygon --vertices 5",
        "labels perturb {study} --source ann --mode polygon --vertices 5",
        "labels perturb {study} --source ann --mode polygon --vertices 5 --output {new}",
    ),
    "labels relabel": (
        "labels relabel {study} --source ben --uncertainty {maps} --threshold 0.1",
        "labels relabel {study} --source ben --uncertainty {maps} --threshold 0.1",
        "labels relabel {study} --source ben --uncertainty {maps} --threshold 0.1 --name x --output {new}",
    ),
    "labels accept": (
        "labels accept {study} --source ann-relabelled --cases case01",
        "labels accept {study} --source ann-relabelled --cases case01",
    ),
    "labels consensus": (
        "labels consensus {study} --sources ann,ben --method staple",
        "labels consensus {study} --sources ben,ann --method staple",
        "labels consensus {study} --sources ann,ben --method majority --name x",
    ),
    "train": ("train {study} {new} --source ann --preset {preset} --epochs 1 --device cpu",),
    "predict": ("predict {study} {network} {new} --case case01 --device cpu",),
    "disagreement": ("disagreement --study {study} --source ann ben --outcome lens --folds 2 --output {new}",),
    "uncertainty": ("uncertainty {study} {new} --network {network} --samples 2 --case case01 --device cpu",),
    "acquisition-bias": (
        "acquisition-bias {study} --column lens --preset {probe} --processes 1 --device cpu --output {new}",
    ),
}
"""Uses that succeed, in turn; the demo study is only ever made in a new folder."""
COLLIDES: Mapping[str, tuple[str, ...]] = {
    "study import": ("study import {raw} {study}", "study import {raw} {study}/labels"),
    "study demo": ("study demo {study}", "study demo {study}/labels/ann"),
    "study check": (),
    "study info": (),
    "study commit": (),
    "study add": (
        "study add {study} {raw}/labels/ben --source ann",
        "study add {study} {raw}/labels/ben --source ann-relabelled --replace",
        "study add {study} {raw}/labels/ben --source ann-polygon-3 --kind human --replace",
        "study add {study} {raw}/labels/ben --source ../labels/ann --kind human --replace",
        "study add {study} {raw}/labels/ben --source new --kind model",
    ),
    "study watch-state": (),
    "study export": (
        "study export {study} {study}/labels/ann --layout bids --source ben",
        "study export {study} {study}/labels/ann/case00.png --layout nnunet --source ben",
    ),
    "labels compare": (),
    "labels agreement": ("labels agreement {study} --output {study}/labels/new",),
    "labels check-outlines": ("labels check-outlines {study} --source ann --output {study}/labels/new",),
    "labels add": ("labels add {study} {masks}",),
    "labels perturb": (
        "labels perturb {study} --source ann --mode polygon --vertices 4",
        "labels perturb {study} --source ann --mode polygon --vertices 4 --output {study}/labels",
    ),
    "labels relabel": (
        "labels relabel {study} --source ann --uncertainty {maps} --threshold 0.15",
        "labels relabel {study} --source ann --uncertainty {maps} --name ben",
        "labels relabel {study} --source ann --uncertainty {maps} --name ../../labels/ann",
        "labels relabel {study} --source ann --uncertainty {maps} --name new --output {study}/labels/ann",
        "labels relabel {study} --source ann --uncertainty {maps} --name new --output {masks}",
    ),
    "labels accept": (
        "labels accept {study} --source ann-relabelled --cases case01 --name ann",
        "labels accept {study} --source ann-relabelled --cases case01 --name ann-relabelled",
        "labels accept {study} --source ann-relabelled --cases case01 --name ../labels/ann",
    ),
    "labels consensus": (
        "labels consensus {study} --sources ann,ben --method majority --name ann",
        "labels consensus {study} --sources ann,ben --method staple --name ann-polygon-4",
        "labels consensus {study} --sources ann,ben --method staple --name ../labels/ann",
    ),
    "train": ("train {study} {study}/labels/ann --source ann --preset {preset} --epochs 1",),
    "predict": (
        "predict {study} {network} {study}/labels/ann --case case01",
        "predict {study} {network} {study}/labels/new --case case01",
        "predict {study} {network} {masks} --case case01",
    ),
    "disagreement": (
        "disagreement --study {study} --source ann ben --outcome lens --folds 2 --output {study}/labels/ann",
        "disagreement --study {study} --source ann ben --outcome lens --folds 2 --output {study}/labels/new",
    ),
    "uncertainty": (
        "uncertainty {study} {study}/labels/ann --network {network} --samples 2",
        "uncertainty {study} {study}/labels/new --network {network} --samples 2",
        "uncertainty {study} {masks} --network {network} --samples 2",
    ),
    "acquisition-bias": (
        "acquisition-bias {study} --column lens --preset {probe} --output {study}/labels/ann",
        "acquisition-bias {study} --column lens --preset {probe} --output {study}/labels/new",
        "acquisition-bias {study} --column lens --preset {probe} --output {masks}",
    ),
}
"""Uses that are refused, because what they would write exists or lies among labels; some commands write nothing new."""


def read_tree(root: Path) -> dict[str, bytes]:
    paths = (path for path in sorted(root.rglob("*")) if path.is_file() and ".git" not in path.parts)
    return {str(path.relative_to(root)): path.read_bytes() for path in paths}


def is_label(name: str) -> bool:
    return name.startswith("labels/")


def locate(root: Path, study: Path) -> Folders:
    return Folders(
        study=study,
        original=root / "study",
        preset=root / "tiny.yaml",
        probe=root / "probe.yaml",
        network=root / "network",
        maps=root / "maps",
        masks=root / "masks",
        raw=root / "raw",
        new=root / "new",
    )


@pytest.fixture(scope="module")
def prepared(tmp_path_factory) -> Path:
    """A study with two raters, a perturbed and a relabelled source, a network, maps, and a data set."""
    root = tmp_path_factory.mktemp("prepared")
    study = write_squares(root / "study", case_count=6)
    rows = [Case(case.case_id, case.subject_id, {"lens": "ab"[i % 2]}) for i, case in enumerate(study.cases)]
    write_cases(study.root / "cases.csv", rows)
    make_preset(2, epochs=1).write_yaml(root / "tiny.yaml")
    make_probe_preset(epochs=1).model_copy(update={"folds": 3}).write_yaml(root / "probe.yaml")
    write_maps(study, root / "maps")
    shutil.copytree(study.root / "labels", root / "raw" / "labels")
    for case_id in study.case_ids:
        (root / "raw" / "images").mkdir(exist_ok=True)
        shutil.copyfile(study.image_path(case_id, "grey"), root / "raw" / "images" / f"{case_id}.png")
    folders = locate(root, study.root)
    call("train {study} {network} --source ann --preset {preset} --device cpu", folders)
    call("labels perturb {study} --source ann --mode polygon --vertices 3", folders)
    call("labels relabel {study} --source ann --uncertainty {maps} --threshold 0.1", folders)
    add_source(
        study.root,
        "ann-polygon-4",
        settings=SourceSettings(kind="human"),
        masks=((case_id, study.labels("ben").read(case_id), None) for case_id in study.case_ids),
        provenance=Provenance(operation="import"),
    )
    return root


@pytest.fixture
def folders(prepared: Path, tmp_path: Path) -> Folders:
    shutil.copytree(prepared / "study", tmp_path / "study", copy_function=os.link)
    shutil.copytree(prepared / "study" / "labels" / "ann", tmp_path / "ann", copy_function=os.link)
    (tmp_path / "ann.provenance.yaml").write_text("operation: predict\n")
    return replace(locate(prepared, tmp_path / "study"), masks=tmp_path / "ann", new=tmp_path / "new")


def assert_kept(before: Mapping[str, bytes], folders: Folders) -> None:
    after = read_tree(folders.study)
    assert {name: after.get(name) for name in before if is_label(name)} == {
        name: content for name, content in before.items() if is_label(name)
    }
    assert read_tree(folders.original) == before


def test_every_command_is_tried():
    commands = set(list_commands(app)) - WITHOUT_A_STUDY - OF_PIPELINES
    assert commands == set(WORKS) == set(COLLIDES)


@pytest.mark.parametrize("command", [name for name, lines in WORKS.items() if lines])
def test_a_command_that_succeeds_changes_no_label_that_was_there(command: str, folders: Folders) -> None:
    before = read_tree(folders.original)
    assert read_tree(folders.study) == before
    if command == "labels add":
        shutil.copytree(folders.masks, folders.new)
        folders.new.with_name("new.provenance.yaml").write_text("operation: predict\n")
    for line in WORKS[command]:
        call(line, folders)
    assert_kept(before, folders)


@pytest.mark.parametrize("command", [name for name, lines in COLLIDES.items() if lines])
def test_a_command_that_collides_is_refused_and_changes_nothing(command: str, folders: Folders) -> None:
    before, masks = read_tree(folders.original), read_tree(folders.masks)
    for line in COLLIDES[command]:
        with pytest.raises(OverreadError):
            call(line, folders)
    assert_kept(before, folders)
    assert {name for name in read_tree(folders.study) if is_label(name)} == {name for name in before if is_label(name)}
    assert read_tree(folders.masks) == masks


def test_a_mask_that_is_replaced_on_purpose_stays_in_linked_copies_and_in_the_revision_before(folders: Folders) -> None:
    before, old = read_tree(folders.original), folders.study / "labels" / "ann" / "case01.png"
    call("study add {study} {raw}/labels/ben/case01.png --source ann --replace", folders)
    assert old.read_bytes() == (folders.raw / "labels" / "ben" / "case01.png").read_bytes()
    assert read_tree(folders.original) == before
    fetch_study(str(folders.study), "HEAD~1", folders.new)
    assert (folders.new / "labels" / "ann" / "case01.png").read_bytes() == before["labels/ann/case01.png"]
