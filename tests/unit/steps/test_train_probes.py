"""Acquisition probes of a plan that are interrupted."""

from pathlib import Path

import pytest

from overread.adapters.storage import ResultStore, open_store
from overread.questions.acquisition_bias.steps.plan_probes import ProbeChoice, plan_probes
from overread.questions.acquisition_bias.steps.probe_results import SCORES_FILE, read_training
from overread.questions.acquisition_bias.steps.train_probes import run
from overread.runs.tracked_training import CHECKPOINT_FILE
from tests.unit.vendor_studies import make_probe_preset, write_vendors


@pytest.mark.usefixtures("mlflow_folder")
def test_an_interrupted_probe_goes_on_from_its_checkpoint_in_the_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A probe of four epochs that is interrupted after three needs one more, and answers as if it had not been."""
    study = write_vendors(tmp_path / "study")
    make_probe_preset(epochs=4).write_yaml(tmp_path / "tiny.yaml")
    plan = plan_probes(study, ProbeChoice(column="vendor", preset=str(tmp_path / "tiny.yaml")), revision="")
    plan.write(tmp_path / "plan.json")
    job, save, saved = plan.jobs[0], ResultStore.save_file, []

    def train(name: str) -> Path:
        store = str(tmp_path / f"{name}-store")
        run(study.root, tmp_path / "plan.json", [job.name], output=tmp_path / name, store=store, processes=1)
        return tmp_path / name / job.name

    whole = train("whole")

    def save_three(store: ResultStore, key: str, name: str, path: Path) -> None:
        save(store, key, name, path)
        if name == CHECKPOINT_FILE:
            saved.append(key)
            if len(saved) == 3:
                raise KeyboardInterrupt

    monkeypatch.setattr(ResultStore, "save_file", save_three)
    with pytest.raises(KeyboardInterrupt):
        train("found")
    store = open_store(str(tmp_path / "found-store"))
    assert store.list_files(saved[0]) == (CHECKPOINT_FILE,)
    found = train("found")
    assert len(saved) == 4
    assert not store.contains_file(saved[0], CHECKPOINT_FILE)
    assert store.contains(saved[0])
    assert (found / SCORES_FILE).read_bytes() == (whole / SCORES_FILE).read_bytes()
    assert read_training(found).validation_loss == read_training(whole).validation_loss
