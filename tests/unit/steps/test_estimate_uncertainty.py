"""Maps of uncertainty from the command line."""

from pathlib import Path

import numpy as np
import pytest

from overread.errors import InputError
from overread.inference.settings import UncertaintySettings
from overread.inference.uncertainty_maps import read_uncertainty
from overread.networks.build import build_network, save_network
from overread.networks.settings import NetworkSettings, SavedNetworkSettings
from overread.runs import estimate_uncertainty
from overread.runs.map_collection import open_map_folder
from overread.study.output_folder import check_is_outside_labels, check_masks_are_free
from overread.study.study import Study
from tests.studies import write_squares

TWICE = UncertaintySettings(method="mc_dropout", samples=2)


def save_untrained(folder: Path, study: Study) -> Path:
    settings = NetworkSettings(channels=(4, 8), dropout=0.3)
    saved = SavedNetworkSettings(
        network=settings,
        dimensions=2,
        channels=study.settings.channels,
        intensity=study.settings.intensity,
        patch_size=(16, 16),
        working_spacing=None,
        precision="fp32",
    )
    save_network(folder, build_network(settings, dimensions=2, channel_count=1), saved)
    return folder


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return write_squares(tmp_path / "study", case_count=3)


@pytest.fixture
def network(study: Study, tmp_path: Path) -> Path:
    return save_untrained(tmp_path / "network", study)


def run(study: Study, output: Path, *networks: Path, case_ids: tuple[str, ...] = (), seed: int = 0) -> None:
    settings = TWICE.model_copy(update={"seed": seed})
    estimate_uncertainty.run(study.root, output, networks, settings=settings, case_ids=case_ids, device="cpu")


def test_maps_are_written_with_their_origin(study, network, tmp_path, capsys):
    run(study, tmp_path / "maps", network)
    assert sorted(path.name for path in (tmp_path / "maps").iterdir()) == [
        "aleatoric",
        "epistemic",
        "probability",
        "provenance.yaml",
    ]
    maps = open_map_folder(tmp_path / "maps", study)
    assert maps.case_ids == study.case_ids
    assert list(maps.parents) == ["uncertainty maps", "images", "network 1"]
    assert maps.parameters["method"] == "mc_dropout"
    assert maps.parameters["samples"] == 2
    assert read_uncertainty(tmp_path / "maps", "case01", ".png").aleatoric.shape == (24, 24)
    assert "→ case02: cumulative uncertainty " in capsys.readouterr().out


def test_an_interrupted_run_goes_on_and_gives_the_same_maps(study, network, tmp_path, capsys):
    run(study, tmp_path / "whole", network)
    run(study, tmp_path / "parts", network, case_ids=("case01",))
    (tmp_path / "parts" / ".partial-of-a-killed-run").mkdir()
    capsys.readouterr()
    run(study, tmp_path / "parts", network)
    assert [line.split(":")[0] for line in capsys.readouterr().out.splitlines()] == ["→ case00", "→ case02"]
    for case_id in study.case_ids:
        maps = [read_uncertainty(tmp_path / name, case_id, ".png").aleatoric for name in ("whole", "parts")]
        assert np.array_equal(*maps)


def test_maps_of_other_networks_or_settings_are_not_mixed(study, network, tmp_path):
    run(study, tmp_path / "maps", network, case_ids=("case00",))
    before = {path: path.read_bytes() for path in (tmp_path / "maps").rglob("*") if path.is_file()}
    other = save_untrained(tmp_path / "other", study)
    for networks, seed in (((network,), 1), ((other,), 0), ((network, other), 0)):
        with pytest.raises(InputError, match="or hold maps by the same networks and settings"):
            run(study, tmp_path / "maps", *networks, seed=seed)
    assert {path: path.read_bytes() for path in (tmp_path / "maps").rglob("*") if path.is_file()} == before


def test_what_does_not_hold_is_refused_before_anything_is_written(study, network, tmp_path):
    with pytest.raises(InputError, match="a case must be one of the study, got 'case99'"):
        run(study, tmp_path / "maps", network, case_ids=("case99",))
    with pytest.raises(InputError, match=r"must hold network\.json and network\.safetensors, got no network\.json"):
        run(study, tmp_path / "maps", tmp_path / "nothing")
    with pytest.raises(InputError, match="must not lie among the labels"):
        run(study, study.root / "labels" / "maps", network)
    ensemble = UncertaintySettings(method="ensemble")
    with pytest.raises(InputError, match="the method ensemble needs 2"):
        estimate_uncertainty.run(study.root, tmp_path / "maps", [network], settings=ensemble, case_ids=(), device="cpu")
    assert not (tmp_path / "maps").exists()


def test_an_output_folder_is_outside_the_labels_however_it_is_named(study, tmp_path):
    (tmp_path / "link").symlink_to(study.root / "labels")
    for output in (study.root / "labels", study.root / "labels" / "ann" / "new", tmp_path / "link" / "ann"):
        with pytest.raises(InputError, match="must not lie among the labels"):
            check_is_outside_labels(study.root, output)
    check_is_outside_labels(study.root, study.root / "labels-of-mine")


def test_masks_are_free_where_none_of_the_cases_has_one(study):
    labels = study.labels("ann").folder
    with pytest.raises(InputError, match=r"a mask is never overwritten.*got case00, case01, case02"):
        check_masks_are_free(study, labels, ())
    study.labels("ann").path("case01").unlink()
    check_masks_are_free(study, labels, ["case01"])
