"""Three MS patients at full size: import, check, a few steps of training, prediction."""

import json
import subprocess
import sys

import pytest

from overread.study.importing.settings import ImportSettings
from overread.study.importing.study_import import import_study
from overread.study.study import Study

pytestmark = pytest.mark.realdata
MOST_GIB = 6

PROGRAM = """
import json, resource, sys
from pathlib import Path
from overread.runs import predict_one, train_one
from overread.runs.training_choice import TrainingChoice
study, folder, preset = map(Path, sys.argv[1:])
train_one.run(study, folder / "network", TrainingChoice(source="consensus", preset=str(preset), epochs=1, device="cpu"))
predict_one.run(study, folder / "network", folder / "masks", case_ids=("patient07",), device="cpu")
print(json.dumps(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20))
"""
PRESET = """
description: a few steps
network: {architecture: unet, channels: [8, 16, 32], residual_units: 1}
training:
  epochs: 1
  steps_per_epoch: 3
  batch_size: 2
  sampling: {patch_size: [64, 64, 64]}
inference: {overlap: 0.25}
"""


def test_three_channels_import_train_and_predict_at_full_size_within_six_gib(real_data, tmp_path):
    settings = ImportSettings(
        images="{case}_{channel}.nii.gz",
        labels="{case}_GOLD_STANDARD.nii.gz",
        source_name="consensus",
        source_kind="consensus",
        target="MS lesion",
        modality="MR",
    )
    summary = import_study(real_data / "ms-lesions", tmp_path / "ms", settings=settings)
    assert summary.case_count == 3
    assert summary.channels == ("FLAIR", "T1", "T2")
    (tmp_path / "preset.yaml").write_text(PRESET)
    command = [sys.executable, "-c", PROGRAM, tmp_path / "ms", tmp_path, tmp_path / "preset.yaml"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    study = Study.open(tmp_path / "ms")
    mask = study.labels("consensus").read("patient07")
    from overread.study.label_set import LabelSet

    assert LabelSet("predicted", tmp_path / "masks", ".nii.gz").read("patient07").shape == mask.shape
    assert json.loads(done.stdout.splitlines()[-1]) < MOST_GIB
