"""Held-out predictions of new networks and of the champions that they want to replace."""

import shutil
from pathlib import Path

import pytest
from torch import nn

from overread.errors import TrackingError
from overread.networks.build import build_network, save_network
from overread.networks.settings import NetworkSettings, SavedNetworkSettings
from overread.questions.retrain.steps import predict_challengers
from overread.questions.retrain.steps.predict_challengers import LEFT_OUT_FILE, LeftOutChampions
from overread.study.label_set import LabelSet
from tests.retrainings import GrowingStudy, Registration

HELD_OUT = ("case00", "case09", "case13", "case14", "case15")


def save_constant_network(folder: Path, growing: GrowingStudy, *, says: bool) -> None:
    """A network that says the same of every pixel."""
    network = build_network(SHAPE, dimensions=2, channel_count=1)
    last = list(network.modules())[-1]
    assert isinstance(last, nn.Conv2d)
    assert last.bias is not None
    nn.init.zeros_(last.weight)
    nn.init.constant_(last.bias, 9.0 if says else -9.0)
    settings = SavedNetworkSettings(
        network=SHAPE,
        dimensions=2,
        channels=growing.study.settings.channels,
        intensity=growing.study.settings.intensity,
        patch_size=(16, 16),
        working_spacing=None,
        precision="fp32",
    )
    save_network(folder, network, settings)


SHAPE = NetworkSettings(architecture="basic_unet", channels=(2, 2, 2, 2, 2))


def predict(registration: Registration, output: Path) -> dict[str, dict[str, float]]:
    """Share of labelled pixels of every case, by label set."""
    study, files = registration.study.study, registration.files
    predict_challengers.run(
        study.root, *files, registration.networks, output=output, store=registration.study.store, processes=1
    )
    return {
        folder.name: {
            case_id: float(LabelSet(folder.name, folder, ".png").read(case_id).mean())
            for case_id in LabelSet(folder.name, folder, ".png").select_labelled(study.case_ids)
        }
        for folder in sorted(output.iterdir())
        if folder.is_dir()
    }


def test_every_network_predicts_the_held_out_cases_and_no_other(growing: GrowingStudy, tmp_path: Path) -> None:
    first = growing.prepare_registration(growing.look(sources=("ann", "ben")))
    for folder in first.networks:
        save_constant_network(folder, growing, says=True)
    assert predict(first, tmp_path / "first") == {
        "challenger-ann": dict.fromkeys(HELD_OUT, 1.0),
        "challenger-ben": dict.fromkeys(HELD_OUT, 1.0),
    }
    first()
    growing.commit(ann="2")
    later = growing.prepare_registration(growing.look(sources=("ann", "ben")))
    (folder,) = later.networks
    save_constant_network(folder, growing, says=False)
    expected = {
        "challenger-ann": dict.fromkeys(HELD_OUT, 0.0),
        "champion1-ann": dict.fromkeys(HELD_OUT, 1.0),
    }
    assert predict(later, tmp_path / "later") == expected
    (folder / "network.safetensors").unlink()
    assert predict(later, tmp_path / "again") == expected  # from the store


@pytest.fixture
def two_champions(growing: GrowingStudy) -> Registration:
    """Versions 1 and 2 were champions, and a third challenger is trained."""
    for masks in ("2", "3"):
        register = growing.prepare_registration(growing.look())
        save_constant_network(register.networks[0], growing, says=True)
        register()
        growing.commit(ann=masks)
    later = growing.prepare_registration(growing.look())
    save_constant_network(later.networks[0], growing, says=False)
    return later


def remove_weights(registration: Registration, version: int) -> None:
    """What MLflow keeps of the network of a version."""
    run_id = registration.study.registry.find_version("blocks-2d-ann", str(version)).run_id
    (network,) = (registration.study.folder / "mlflow").rglob(f"{run_id}/artifacts/network")
    shutil.rmtree(network)


def test_a_former_champion_that_is_gone_is_left_out_with_its_reason(
    two_champions: Registration, tmp_path: Path
) -> None:
    remove_weights(two_champions, 1)
    predicted = predict(two_champions, tmp_path / "without")
    assert set(predicted) == {"challenger-ann", "champion2-ann"}
    (lost,) = LeftOutChampions.read(tmp_path / "without" / LEFT_OUT_FILE).champions["ann"]
    assert lost.version == 1
    assert "network of blocks-2d-ann version 1" in lost.reason


def test_a_former_champion_of_other_channels_is_left_out(two_champions: Registration, tmp_path: Path) -> None:
    run_id = two_champions.study.registry.find_version("blocks-2d-ann", "1").run_id
    (network,) = (two_champions.study.folder / "mlflow").rglob(f"{run_id}/artifacts/network/network.json")
    saved = SavedNetworkSettings.read(network)
    saved.model_copy(update={"channels": ("t1", "t2")}).write(network)
    predict(two_champions, tmp_path / "without")
    (lost,) = LeftOutChampions.read(tmp_path / "without" / LEFT_OUT_FILE).champions["ann"]
    assert lost.reason.startswith("a network must have learnt the channels that the study has, got t1, t2")


def test_predictions_in_the_store_outlive_their_network(two_champions: Registration, tmp_path: Path) -> None:
    expected = predict(two_champions, tmp_path / "with")
    assert set(expected) == {"challenger-ann", "champion1-ann", "champion2-ann"}
    remove_weights(two_champions, 1)
    assert predict(two_champions, tmp_path / "again") == expected


def test_a_present_champion_that_is_gone_fails_the_run(two_champions: Registration, tmp_path: Path) -> None:
    remove_weights(two_champions, 2)
    with pytest.raises(TrackingError, match="network of blocks-2d-ann version 2"):
        predict(two_champions, tmp_path / "without")
