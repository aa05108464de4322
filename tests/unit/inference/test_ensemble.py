"""Held-out predictions: the mean over networks, on the case's own grid."""

from math import log
from pathlib import Path

import numpy as np
import pytest
import torch

from overread.errors import InputError
from overread.inference.ensemble import predict_case
from overread.inference.settings import InferenceSettings
from overread.study.study import Study
from overread.types import Probability
from tests.constant_networks import save_constant_network
from tests.studies import write_cubes, write_squares


def predict(study: Study, folders: list[Path]) -> Probability:
    return predict_case(study, "case00", folders, settings=InferenceSettings(), device=torch.device("cpu"))


@pytest.mark.parametrize("write", [write_squares, write_cubes])
def test_probabilities_of_repeats_are_averaged(tmp_path: Path, write: type) -> None:
    """Logits ln 3, 0 and -ln 4 are probabilities of 0.75, 0.5 and 0.2; their mean is not that of the logits."""
    study = write(tmp_path / "study", case_count=1)
    logits = {"a": log(3), "b": 0.0, "c": -log(4)}
    folders = [save_constant_network(tmp_path / name, study, logit) for name, logit in logits.items()]
    found = predict(study, folders)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, np.full((24,) * study.settings.dimensions, 1.45 / 3), atol=1e-5)


def test_a_prediction_on_another_working_grid_comes_back_to_the_grid_of_the_case(tmp_path: Path) -> None:
    study = write_cubes(tmp_path / "study", case_count=1)
    folders = [
        save_constant_network(tmp_path / "a", study, log(3), working_spacing=(3.0, 3.0, 3.0)),
        save_constant_network(tmp_path / "b", study, 0.0),
    ]
    np.testing.assert_allclose(predict(study, folders), np.full((24, 24, 24), 0.625), atol=1e-5)


def test_a_network_for_other_channels_is_refused(tmp_path: Path) -> None:
    study = write_cubes(tmp_path / "study", case_count=1)
    folder = save_constant_network(tmp_path / "a", study, 0.0)
    swapped = Study(study.root, study.settings.model_copy(update={"channels": ("t2", "t1")}), study.cases)
    with pytest.raises(InputError, match=r"needs the channels \('t1', 't2'\), got \('t2', 't1'\)"):
        predict(swapped, [folder])
