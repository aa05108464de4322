"""Held-out predictions of new networks and of the champions that they want to replace."""

from pathlib import Path

from torch import nn

from overread.networks.build import build_network, save_network
from overread.networks.settings import NetworkSettings, SavedNetworkSettings
from overread.questions.retrain.steps import predict_challengers
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
        "champion-ann": dict.fromkeys(HELD_OUT, 1.0),
    }
    assert predict(later, tmp_path / "later") == expected
    (folder / "network.safetensors").unlink()
    assert predict(later, tmp_path / "again") == expected  # from the store
