"""One network from the command line."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from overread.errors import InputError, SettingsError
from overread.runs import predict_one, train_one
from overread.runs.training_choice import TrainingChoice
from overread.study.cases import Case, write_cases
from overread.study.label_set import LabelSet
from overread.study.study import Study
from overread.training.result import TrainingResult
from tests.studies import make_preset, write_squares


@pytest.fixture
def study(tmp_path: Path) -> Study:
    """Six squares, labelled by ann and ben."""
    make_preset(2).write_yaml(tmp_path / "tiny.yaml")
    return write_squares(tmp_path / "study")


def train(study: Study, output: Path, *, source: str = "ann", seed: int = 0, device: str = "cpu") -> TrainingResult:
    preset = str(study.root.parent / "tiny.yaml")
    choice = TrainingChoice(source=source, preset=preset, epochs=2, seed=seed, device=device)
    return train_one.run(study.root, output, choice)


def test_a_network_is_trained_on_every_labelled_case_and_outlines_cases(
    study: Study, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = train(study, tmp_path / "network")
    assert sorted(result.job.train_cases + result.job.validation_cases) == list(study.case_ids)
    names = {path.name for path in (tmp_path / "network").iterdir()}
    assert names == {"network.json", "network.safetensors", "history.csv", "result.json"}
    assert "→ epoch 2: loss " in capsys.readouterr().out

    predict_one.run(study.root, tmp_path / "network", tmp_path / "masks", case_ids=["case01"], device="cpu")
    assert [path.name for path in (tmp_path / "masks").iterdir()] == ["case01.png"]
    assert LabelSet("", tmp_path / "masks", ".png").read("case01").shape == (24, 24)
    assert "→ case01: " in capsys.readouterr().out


def test_an_interrupted_training_goes_on_where_it_was(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(study, tmp_path / "whole")

    def interrupt(text: str) -> None:
        if text.startswith("epoch 1"):
            raise KeyboardInterrupt

    monkeypatch.setattr(train_one, "report_progress", interrupt)
    with pytest.raises(KeyboardInterrupt):
        train(study, tmp_path / "resumed")
    assert [path.name for path in (tmp_path / "resumed").iterdir()] == ["checkpoint.pt"]
    told: list[str] = []
    monkeypatch.setattr(train_one, "report_progress", told.append)
    train(study, tmp_path / "resumed")

    assert [text.split(":")[0] for text in told] == ["epoch 2"]
    weights = [load_file(tmp_path / name / "network.safetensors") for name in ("whole", "resumed")]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_choices_that_do_not_hold_are_refused(study: Study, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="device must be auto, cpu or cuda, got 'tpu'"):
        train(study, tmp_path / "n", device="tpu")
    with pytest.raises(InputError, match="seed must be 0 or more, got -2"):
        train(study, tmp_path / "n", seed=-2)
    with pytest.raises(InputError, match="must be one of the study, got 'bob'"):
        train(study, tmp_path / "n", source="bob")
    with pytest.raises(InputError, match="a case must be one of the study, got 'case99'"):
        predict_one.run(study.root, tmp_path / "n", tmp_path / "m", case_ids=["case99"], device="cpu")
    assert not (tmp_path / "n").exists()


@pytest.mark.parametrize("labelled", [0, 1, 2])
def test_one_subject_is_not_enough_to_train_and_to_validate_on(study: Study, tmp_path: Path, labelled: int) -> None:
    """However many cases it has."""
    write_cases(study.root / "cases.csv", [Case(case_id, "the-only-one") for case_id in study.case_ids])
    for case_id in study.case_ids[labelled:]:
        study.labels("ann").path(case_id).unlink()
    message = f"labelled at least two subjects, got {min(labelled, 1)}; source 'ann'"
    with pytest.raises(InputError, match=message):
        train(study, tmp_path / "n")
