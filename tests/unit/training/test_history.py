"""The table of epochs that a training leaves."""

from pathlib import Path

from overread.training.history import EpochReport, read_history, write_history


def test_a_history_reads_back_as_it_was_written(tmp_path: Path) -> None:
    reports = (
        EpochReport(epoch=1, loss=0.1 + 0.2, learning_rate=1e-4, seconds=1.5, validation_dice=None),
        EpochReport(
            epoch=2,
            loss=1 / 3,
            learning_rate=0.0,
            seconds=3.0,
            validation_dice=0.0,
            learnt_dice=0.25,
            cumulative_uncertainty=12.5,
        ),
    )
    write_history(tmp_path / "history.csv", reports)
    assert read_history(tmp_path / "history.csv") == reports
    lines = (tmp_path / "history.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "epoch,loss,learning_rate,seconds,validation_dice,learnt_dice,cumulative_uncertainty"
    assert lines[1:] == ["1,0.30000000000000004,0.0001,1.5,,,", "2,0.3333333333333333,0.0,3.0,0.0,0.25,12.5"]
