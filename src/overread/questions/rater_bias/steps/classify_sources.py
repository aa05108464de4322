"""Step: can a network tell who drew a mask, and who trained the network that drew it?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from overread.questions.rater_bias.classification_results import ORIGINS, SourceClassification
from overread.questions.rater_bias.steps.predictions import open_predictions
from overread.runs.described_training import EPOCHS_FILE, DescribedTraining, TrainingRecord, copy_identity
from overread.runs.fingerprint import name_result
from overread.runs.pipeline_run import failing_with_pipeline_run
from overread.runs.plan import TrainingPlan
from overread.runs.tracked_training import TrackedTraining, reuse_trainings, train_side_by_side
from overread.study.digest import compute_files_digest, compute_study_digest
from overread.study.label_set import LabelSet
from overread.study.study import Study
from overread.training.history import HISTORY_FILE
from overread.training.settings import ClassifierFold, ClassifierSettings

if TYPE_CHECKING:
    from pandas import DataFrame

    from overread.questions.rater_bias.classifier_training import ClassifierEpoch
    from overread.training.loop import Session

CLASSIFICATION_FILE = "classification.json"
HITS_FILE = "hits.csv"
PATCHES_FILE = "patches.csv"
_SHUFFLED = "-shuffled"


@dataclass(frozen=True)
class _ClassifierTraining(TrackedTraining["ClassifierEpoch"]):
    study: Path
    predictions: Path
    sources: tuple[str, ...]
    fold: ClassifierFold
    settings: ClassifierSettings
    shuffled: bool

    def train(self, session: "Session[ClassifierEpoch]") -> None:
        from overread.networks.hardware import describe_device
        from overread.questions.rater_bias.classifier_fold import SourceMasks, classify_fold
        from overread.questions.rater_bias.classifier_training import choose_epoch, write_epochs
        from overread.questions.rater_bias.source_hits import write_table

        study = Study.open(self.study)
        masks = SourceMasks(study, self.sources, open_predictions(self.predictions, study, self.sources))
        patches, epochs = classify_fold(
            masks, self.fold, settings=self.settings, shuffled=self.shuffled, session=session
        )
        write_table(self.folder / PATCHES_FILE, patches)
        write_epochs(self.folder / HISTORY_FILE, epochs)
        record = TrainingRecord.build(epochs, kept_epoch=choose_epoch(epochs), device=describe_device(session.device))
        record.write(self.folder / EPOCHS_FILE)

    def describe_end(self) -> str:
        record = self.read_record()
        return (
            f"{self.training.name}: validation hit rate {record.figures['kept_validation_hit_rate']:.3f} "
            f"at epoch {record.figures['kept_epoch']:.0f} of {len(record.epochs)}"
        )


def run(
    study_folder: Path,
    plan_file: Path,
    predictions_folder: Path,
    *,
    is_wanted: bool = True,
    output: Path,
    store: str,
    processes: int,
) -> SourceClassification | None:
    """Train a source classifier per fold, and one on permuted sources, and test both on the held-out cases.

    A classifier that is finished in the store is reused. Settings are those of the plan's preset.

    Args:
        study_folder: the study.
        plan_file: the plan, whose raters are told apart and whose folds are used.
        predictions_folder: held-out predictions, as `predict_cases` wrote them.
        is_wanted: train anything at all.
        output: gets `classification.json`, the per-case table `hits.csv`, and a folder with the patches and the history
            of each classifier.
        store: address of the result store.
        processes: classifiers side by side, one thread each.

    Returns:
        None, and an empty folder, where it is not wanted or there is a single rater.

    Raises:
        InputError: a fold lacks masks of a source, a subject is in two parts of a fold,
            or the patches do not fit the study.
    """
    study, plan = Study.open(study_folder), TrainingPlan.read(plan_file)
    output.mkdir(parents=True, exist_ok=True)
    if not is_wanted or len(plan.raters) < 2:
        return None
    settings = plan.preset.find_classifier()
    predictions = open_predictions(predictions_folder, study, plan.raters)
    work = [
        _ClassifierTraining(
            training=_describe(plan, predictions, fold, settings, shuffled),
            folder=output / f"fold{fold.index}{_SHUFFLED * shuffled}",
            store=store,
            study=study_folder,
            predictions=predictions_folder,
            sources=plan.raters,
            fold=fold,
            settings=settings,
            shuffled=shuffled,
        )
        for fold in list_folds(plan)
        for shuffled in (False, True)
    ]
    with failing_with_pipeline_run(plan, store):
        list(train_side_by_side(reuse_trainings(work), store=store, processes=processes))
    return _summarise(study, work, output)


def read_classification(folder: Path) -> SourceClassification:
    """Read what `run` wrote."""
    return SourceClassification.model_validate_json((folder / CLASSIFICATION_FILE).read_text(encoding="utf-8"))


def read_classified_sources(folder: Path) -> "tuple[SourceClassification, DataFrame] | None":
    """Read the numbers and the table per case; None where nothing was classified."""
    from overread.questions.rater_bias.source_hits import read_hits

    if not (folder / CLASSIFICATION_FILE).is_file():
        return None
    return read_classification(folder), read_hits(folder / HITS_FILE)


def list_folds(plan: TrainingPlan) -> tuple[ClassifierFold, ...]:
    """The folds of a plan: of each, the cases that the jobs of any of its sources train, validate and test on."""
    folds = []
    for index in sorted({job.fold for job in plan.jobs}):
        jobs = [job for job in plan.jobs if job.fold == index and job.source in plan.raters]
        parts = ("train_cases", "validation_cases", "test_cases")
        train, validation, test = (sorted({case for job in jobs for case in getattr(job, part)}) for part in parts)
        folds.append(ClassifierFold(index=index, train=tuple(train), validation=tuple(validation), test=tuple(test)))
    return tuple(folds)


def list_hit_rates(classification: SourceClassification) -> dict[str, float]:
    """Mean hit rates by a readable name, and by how much they grew."""
    rates = {
        f"{rate.origin}s{', shuffled' if rate.shuffled else ''}": round(rate.interval.estimate, 4)
        for rate in classification.hit_rates
    }
    return rates | ({"growth": round(classification.growth.estimate, 4)} if classification.growth else {})


def _describe(
    plan: TrainingPlan,
    predictions: Mapping[str, LabelSet],
    fold: ClassifierFold,
    settings: ClassifierSettings,
    shuffled: bool,
) -> DescribedTraining:
    return DescribedTraining(
        run=copy_identity(plan),
        kind="source-classifier",
        name=f"source-classifier-fold{fold.index}{_SHUFFLED * shuffled}",
        key=_compute_key(plan, predictions, fold, settings, shuffled),
        source="+".join(plan.raters),
        network="source-classifier",
        fold=fold.index,
        epochs=settings.epochs,
        settings=settings.model_dump(mode="json") | {"shuffled": shuffled, "train_cases": len(fold.train)},
    )


def _compute_key(
    plan: TrainingPlan,
    predictions: Mapping[str, LabelSet],
    fold: ClassifierFold,
    settings: ClassifierSettings,
    shuffled: bool,
) -> str:
    digests = {source: plan.source_digests[source] for source in plan.raters}
    parts = {
        "data": compute_study_digest(plan.images_digest, digests),
        "predictions": {
            source: compute_files_digest(labels.folder, map(labels.path, labels.select_labelled(fold.test)))
            for source, labels in predictions.items()
        },
        "sources": plan.raters,
        "fold": fold.model_dump(mode="json"),
        "settings": settings.model_dump(mode="json"),
        "shuffled": shuffled,
    }
    name = name_result("classification", made_by="overread.questions.rater_bias.classifier_fold", parts=parts)
    return f"classifications/{name}"


def _summarise(study: Study, work: Sequence[_ClassifierTraining], output: Path) -> SourceClassification:
    import pandas as pd

    from overread.questions.rater_bias.hit_rates import compute_chance_band, compute_growth, summarise_hits
    from overread.questions.rater_bias.source_hits import compute_rocs, count_hits, read_patches, write_table

    sources, settings = work[0].sources, work[0].settings
    patches = pd.concat([read_patches(item.folder / PATCHES_FILE, sources) for item in work], ignore_index=True)
    hits = count_hits(patches, sources)
    found = SourceClassification(
        study=study.settings.name,
        target=study.settings.target,
        sources=sources,
        chance=1 / len(sources),
        chance_band=compute_chance_band(hits, chance=1 / len(sources)),
        patch_size=settings.patch_size,
        patches_per_case=settings.patches_per_case,
        fold_count=len({item.fold.index for item in work}),
        hit_rates=summarise_hits(hits, chance=1 / len(sources)),
        growth=compute_growth(hits),
        rocs=compute_rocs(patches, sources),
        skipped_cases=_find_skipped_cases(hits, work),
    )
    write_table(output / HITS_FILE, hits)
    (output / CLASSIFICATION_FILE).write_text(found.model_dump_json(indent=2), encoding="utf-8")
    return found


def _find_skipped_cases(hits: "DataFrame", work: Sequence[_ClassifierTraining]) -> dict[str, tuple[str, ...]]:
    """Per label set the held-out cases that it has no patches of, label sets without such cases left out."""
    from overread.evaluation.results import name_network

    held_out = dict.fromkeys(case_id for item in work for case_id in item.fold.test)
    skipped = {}
    for origin in ORIGINS:
        for source in work[0].sources:
            rows = hits[(hits["origin"] == origin) & (hits["source"] == source)]
            seen = set(rows["case_id"])
            name = source if origin == "annotation" else name_network(source)
            skipped[name] = tuple(case_id for case_id in held_out if case_id not in seen)
    return {name: case_ids for name, case_ids in skipped.items() if case_ids}
