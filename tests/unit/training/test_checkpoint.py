"""Checkpoints: whole or not at all, of one training only, without pickle."""

import os
from pathlib import Path

import pytest
import torch

from overread.errors import TrainingError
from overread.training.checkpoint import TrainingState, load_checkpoint, save_checkpoint
from overread.training.history import EpochReport

CPU = torch.device("cpu")
REPORT = EpochReport(epoch=1, loss=0.5, learning_rate=0.01, seconds=2.0, validation_dice=None)
WEIGHTS = {"w": torch.arange(3.0)}


def make_state() -> TrainingState[EpochReport]:
    best = {"w": torch.tensor([1.5])}
    return TrainingState(
        epoch=3,
        kept_epoch=2,
        seconds=9.5,
        reports=(REPORT,),
        kept_weights=best,
    )


def save(path: Path, *, fingerprint: str = "a", state: TrainingState[EpochReport] | None = None) -> None:
    moments = {"state": {0: {"exp_avg": torch.ones(3)}}, "param_groups": [{"lr": 0.1}]}
    save_checkpoint(path, fingerprint=fingerprint, state=state or make_state(), network=WEIGHTS, optimiser=moments)


def test_a_checkpoint_gives_back_what_was_saved(tmp_path: Path) -> None:
    save(tmp_path / "c.pt")
    found = load_checkpoint(tmp_path / "c.pt", fingerprint="a", report_type=EpochReport, device=CPU)
    assert found is not None
    state, weights, optimiser = found
    assert state == make_state()
    assert state.reports == (REPORT,)
    torch.testing.assert_close(weights, WEIGHTS, rtol=0, atol=0)
    assert optimiser["param_groups"] == [{"lr": 0.1}]
    assert list(tmp_path.iterdir()) == [tmp_path / "c.pt"]


def test_there_is_none_at_first(tmp_path: Path) -> None:
    assert load_checkpoint(tmp_path / "c.pt", fingerprint="a", report_type=EpochReport, device=CPU) is None


def test_a_save_that_breaks_off_leaves_the_checkpoint_before(tmp_path: Path) -> None:
    save(tmp_path / "c.pt")
    before = (tmp_path / "c.pt").read_bytes()
    unsavable = make_state()
    unsavable.kept_weights = (_ for _ in ())  # type: ignore[assignment]
    with pytest.raises(TypeError):
        save(tmp_path / "c.pt", state=unsavable)
    assert (tmp_path / "c.pt").read_bytes() == before


def test_that_of_another_training_is_refused(tmp_path: Path) -> None:
    save(tmp_path / "c.pt", fingerprint="b")
    with pytest.raises(TrainingError, match="must belong to the training that resumes it"):
        load_checkpoint(tmp_path / "c.pt", fingerprint="a", report_type=EpochReport, device=CPU)


@pytest.mark.parametrize("damage", [b"", b"no archive", None])
def test_a_damaged_one_is_refused(tmp_path: Path, damage: bytes | None) -> None:
    save(tmp_path / "c.pt")
    content = (tmp_path / "c.pt").read_bytes()
    (tmp_path / "c.pt").write_bytes(content[: len(content) // 2] if damage is None else damage)
    with pytest.raises(TrainingError, match=r"must be whole, got .*c\.pt.* Hint: delete it to start over"):
        load_checkpoint(tmp_path / "c.pt", fingerprint="a", report_type=EpochReport, device=CPU)


class Dangerous:
    """Makes a folder when it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self.folder),)


def test_no_code_in_a_checkpoint_is_run(tmp_path: Path) -> None:
    torch.save({"fingerprint": "a", "state": Dangerous(tmp_path / "harm")}, tmp_path / "c.pt")
    with pytest.raises(TrainingError, match="must be whole"):
        load_checkpoint(tmp_path / "c.pt", fingerprint="a", report_type=EpochReport, device=CPU)
    assert not (tmp_path / "harm").exists()


@pytest.mark.parametrize("content", [[1, 2], {"fingerprint": "a"}])
def test_another_kind_of_torch_file_is_refused(tmp_path: Path, content: object) -> None:
    torch.save(content, tmp_path / "c.pt")
    with pytest.raises(TrainingError, match="must be whole"):
        load_checkpoint(tmp_path / "c.pt", fingerprint="a", report_type=EpochReport, device=CPU)
