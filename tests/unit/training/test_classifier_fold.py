"""A classifier of one fold."""

from pathlib import Path

import pandas as pd
import torch

from overread.questions.rater_bias.classifier_fold import SourceMasks, classify_fold
from overread.questions.rater_bias.classifier_training import ClassifierEpoch
from overread.study.study import Study
from overread.training.loop import Session
from overread.training.settings import ClassifierFold, ClassifierSettings
from tests.studies import write_squares

SETTINGS = ClassifierSettings(
    patch_size=(8, 8),
    features=(4, 8),
    epochs=1,
    steps_per_epoch=2,
    batch_size=4,
    centre_jitter=1,
    patches_per_case=2,
    precision="fp32",
)


def classify(study: Study, index: int, checkpoint: Path) -> tuple[pd.DataFrame, float]:
    fold = ClassifierFold(
        index=index, train=study.case_ids[:3], validation=study.case_ids[3:4], test=study.case_ids[4:]
    )
    masks = SourceMasks(study, ("ann", "ben"), {source: study.labels(source) for source in ("ann", "ben")})
    session: Session[ClassifierEpoch] = Session(torch.device("cpu"), checkpoint, "f", lambda _: None)
    patches, epochs = classify_fold(masks, fold, settings=SETTINGS, shuffled=False, session=session)
    return patches.drop(columns="fold"), epochs[0].loss


def test_folds_do_not_share_the_luck_of_their_classifiers(tmp_path: Path) -> None:
    """Folds of the same cases differ by their place alone, and still in how their trainings turn out."""
    study = write_squares(tmp_path / "study")
    (first, loss), (again, same_loss), (other, other_loss) = (
        classify(study, index, tmp_path / name) for index, name in ((0, "a.pt"), (0, "b.pt"), (1, "c.pt"))
    )
    pd.testing.assert_frame_equal(first, again)
    assert loss == same_loss != other_loss
    keys = ["case_id", "source", "origin"]
    assert first[keys].equals(other[keys])
