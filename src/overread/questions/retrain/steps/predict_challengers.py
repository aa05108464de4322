"""Step: predict the held-out cases with every challenger and with the champion that it wants to replace."""

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from overread.questions.retrain.records import StudyChanges
from overread.questions.retrain.steps.plan_retraining import find_job
from overread.runs.plan import TrainingPlan
from overread.runs.predict_cases import name_prediction
from overread.runs.progress import report_progress
from overread.runs.reuse import finish_results
from overread.runs.workers import run_side_by_side
from overread.study.study import Study
from overread.training.presets import Preset
from overread.training.result import TrainingResult


@dataclass(frozen=True)
class Candidate:
    """A trained network and its label set of predictions.

    Attributes:
        name: of the label set.
        folder: weights and settings of the network.
        fingerprint: names its training.
        case_ids: what it is to predict.
    """

    name: str
    folder: Path
    fingerprint: str
    case_ids: tuple[str, ...]


@dataclass(frozen=True)
class _Assignment:
    study: Path
    preset: Preset
    network: Path
    case_id: str
    folder: Path


def run(
    study_folder: Path,
    changes_file: Path,
    plan_file: Path,
    networks: Sequence[Path],
    *,
    output: Path,
    store: str,
    processes: int,
) -> None:
    """Write the predictions of the held-out cases as label sets `output/<name>`.

    Args:
        study_folder: the study.
        changes_file: from `find_changes`.
        plan_file: from `plan_retraining`.
        networks: folders of the trainings.
        output: gets the masks.
        store: where finished predictions are kept.
        processes: cases that are predicted side by side.
    """
    plan = TrainingPlan.read(plan_file)
    with tempfile.TemporaryDirectory(prefix="overread-champions-") as scratch:
        candidates = _list_candidates(StudyChanges.read(changes_file), plan, networks, Path(scratch))
        candidate_of = {output / candidate.name: candidate for candidate in candidates}

        def predict(todo: Sequence[Path]) -> None:
            work = [
                _Assignment(study_folder, plan.preset, candidate_of[folder].folder, case_id, folder)
                for folder in todo
                for case_id in candidate_of[folder].case_ids
            ]
            for done, _ in enumerate(run_side_by_side(_predict, work, processes=processes), start=1):
                if done == len(work):
                    report_progress(f"{done} predictions")

        key_of = {folder: _compute_key(candidate, plan) for folder, candidate in candidate_of.items()}
        finish_results(store, key_of, predict)


def _list_candidates(
    changes: StudyChanges, plan: TrainingPlan, networks: Sequence[Path], scratch: Path
) -> Iterator[Candidate]:
    from overread.adapters.model_registry import NETWORK_FOLDER, connect_registry

    results = {result.job.name: (result, folder) for folder in networks for result in [TrainingResult.read(folder)]}
    registry = connect_registry()
    for network in changes.to_train:
        result, folder = results[find_job(plan, network).name]
        cases = result.job.test_cases
        yield Candidate(network.challenger_masks, folder, result.fingerprint, cases)
        if network.champion is not None:
            version = registry.find_version(network.model, str(network.champion))
            fetched = registry.download(version, NETWORK_FOLDER, scratch / network.labels)
            yield Candidate(network.champion_masks, fetched, version.origin.fingerprint, cases)


def _compute_key(candidate: Candidate, plan: TrainingPlan) -> str:
    parts = {
        "training": candidate.fingerprint,
        "inference": plan.preset.inference.model_dump(mode="json"),
        "images": plan.images_digest,
        "cases": candidate.case_ids,
    }
    return name_prediction(parts)


def _predict(item: _Assignment) -> None:
    from overread.inference.ensemble import write_predicted_mask
    from overread.networks.hardware import limit_threads, select_device

    limit_threads(1)
    write_predicted_mask(
        Study.open(item.study),
        item.case_id,
        [item.network],
        folder=item.folder,
        settings=item.preset.inference,
        device=select_device("auto"),
    )
