"""One source classifier from start to end: the cases of a fold in, the probabilities of held-out patches out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from overread.errors import InputError
from overread.labels.seeds import draw_seed, seed_generator
from overread.questions.rater_bias.classification_results import Origin
from overread.questions.rater_bias.classifier_masks import DrawnMask, apply_shifts, read_drawn_masks, sample_shifts
from overread.questions.rater_bias.classifier_training import ClassifierEpoch, predict_patches, train_classifier
from overread.questions.rater_bias.source_hits import PATCH_COLUMNS, name_probability
from overread.study.label_set import LabelSet
from overread.study.study import Study
from overread.training.loop import Session
from overread.training.settings import ClassifierFold, ClassifierSettings


@dataclass(frozen=True)
class SourceMasks:
    """What the classifiers learn from and are tested on.

    Attributes:
        study: the study.
        sources: the sources to tell apart.
        predictions: by source, the held-out masks of the network trained on it.
    """

    study: Study
    sources: tuple[str, ...]
    predictions: Mapping[str, LabelSet]

    def list_label_sets(self, origin: Origin) -> Mapping[str, LabelSet]:
        """The masks of an origin, by the source that they count as."""
        if origin == "prediction":
            return self.predictions
        return {source: self.study.labels(source) for source in self.sources}


def classify_fold(
    masks: SourceMasks,
    fold: ClassifierFold,
    *,
    settings: ClassifierSettings,
    shuffled: bool,
    session: Session[ClassifierEpoch],
) -> tuple[pd.DataFrame, tuple[ClassifierEpoch, ...]]:
    """Train the classifier of a fold on annotations and test it on the held-out annotations and predictions.

    The order of the sources changes nothing but the order of the columns. Every training has a seed of its own, so that
    the classifiers of several folds do not share their luck.

    Args:
        masks: annotations and predictions.
        fold: who is held out.
        settings: how it is trained and tested.
        shuffled: permute the sources of each training case, for the baseline.
        session: where to train, and what to resume.

    Returns:
        PATCH_COLUMNS and a probability per source, one row per patch, and what each epoch yielded.

    Raises:
        InputError: a subject is in two parts of the fold; see also `train_classifier`.
        TrainingError: see `train_classifier`.
    """
    check_subjects(masks.study, fold)
    sources, annotations = sorted(masks.sources), masks.list_label_sets("annotation")
    train, validation = (
        read_drawn_masks(masks.study, annotations, case_ids, sources=sources)
        for case_ids in (fold.train, fold.validation)
    )
    if shuffled:
        generator = seed_generator(settings.seed, "shuffled sources", fold.index)
        shifts = sample_shifts(fold.train, len(sources), generator)
        train = apply_shifts(train, shifts, source_count=len(sources))
    own_seed = draw_seed(seed_generator(settings.seed, "source classifier", fold.index, int(shuffled)))
    network, reports = train_classifier(
        train,
        validation,
        source_count=len(sources),
        settings=settings.model_copy(update={"seed": own_seed}),
        session=session,
        spreads_validation_labels=shuffled,
    )
    tables = []
    for origin in ("annotation", "prediction"):
        test = read_drawn_masks(masks.study, masks.list_label_sets(origin), fold.test, sources=sources)
        if test:
            log_probabilities = predict_patches(network, test, settings=settings, device=session.device)
            keys = [_describe(masks.study, mask, sources) | {"origin": origin} for mask in test]
            tables.append(_tabulate(keys, log_probabilities, sources))
    patches = pd.concat(tables) if tables else pd.DataFrame(columns=[*PATCH_COLUMNS, *map(name_probability, sources)])
    patches = patches.assign(fold=fold.index, shuffled=shuffled)
    return patches[[*PATCH_COLUMNS, *map(name_probability, masks.sources)]], reports


def check_subjects(study: Study, fold: ClassifierFold) -> None:
    """Refuse a fold that has a subject in two of its parts.

    Raises:
        InputError: it has.
    """
    parts = [{study.subject_of[case_id] for case_id in part} for part in (fold.train, fold.validation, fold.test)]
    shared = (parts[0] & parts[1]) | (parts[0] & parts[2]) | (parts[1] & parts[2])
    if shared:
        raise InputError(
            "a subject must be in one part of a fold alone",
            found=", ".join(sorted(shared)),
            where=f"fold {fold.index}",
        )


def _describe(study: Study, mask: DrawnMask, sources: Sequence[str]) -> dict[str, str]:
    case_id = mask.case.case_id
    return {"case_id": case_id, "subject_id": study.subject_of[case_id], "source": sources[mask.source]}


def _tabulate(
    keys: Sequence[Mapping[str, str]], log_probabilities: NDArray[np.float64], sources: Sequence[str]
) -> pd.DataFrame:
    """One row per patch, from (N, P, R) and the keys of the N masks."""
    patch_count = log_probabilities.shape[1]
    table = pd.DataFrame([dict(key) for key in keys for _ in range(patch_count)])
    columns = np.exp(log_probabilities).reshape(-1, len(sources)).T
    return table.assign(**dict(zip(map(name_probability, sources), columns, strict=True)))
