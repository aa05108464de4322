"""What a plan says before anything is trained: the difference that it will find, and how long it takes."""

from pathlib import Path

import pytest

from overread.runs.foresight import note_duration, tell_foresight
from overread.runs.plan_trainings import PlanSettings, plan_trainings
from tests.studies import make_preset, write_squares
from tests.training_results import make_training_result


def test_says_what_the_design_finds_and_how_long_such_trainings_took(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_preset(2).write_yaml(tmp_path / "tiny.yaml")
    study, store = write_squares(tmp_path / "study", case_count=12), str(tmp_path / "store")
    settings = PlanSettings(pipeline="rater-bias", preset=str(tmp_path / "tiny.yaml"), folds=3, repeats=2)
    plan = plan_trainings(study, settings, revision="")
    found = tell_foresight(plan, study, store=store)
    assert (found.subject_count, found.fold_count, found.repeat_count) == (12, 3, 2)
    said = capsys.readouterr().out
    assert "12 held-out subjects, folds=3 repeats=2" in said
    assert f"a difference of about {found.smallest_detectable:.3f} Dice in three of four studies" in said
    assert "12 trainings; how long they take is known once one of this preset has been done" in said

    result = make_training_result(plan.jobs[0], fingerprint="x").model_copy(update={"duration_seconds": 1800.0})
    note_duration(plan.preset, result, store=store)
    tell_foresight(plan, study, store=store)
    assert f"12 trainings, about 6 h one after the other (the latest took 1800 s on {result.device})" in (
        capsys.readouterr().out
    )


def test_says_that_a_design_cannot_tell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_preset(2).write_yaml(tmp_path / "tiny.yaml")
    study = write_squares(tmp_path / "study", case_count=4)
    settings = PlanSettings(pipeline="rater-bias", preset=str(tmp_path / "tiny.yaml"), folds=2)
    tell_foresight(plan_trainings(study, settings, revision=""), study, store=str(tmp_path / "store"))
    assert "cannot tell a difference from luck in training" in capsys.readouterr().out
