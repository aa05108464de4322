"""Step: predict the held-out cases with every challenger, the champion that it wants to replace and those before it."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from overread.adapters.storage import open_store
from overread.errors import InputError, TrackingError
from overread.networks.settings import SETTINGS_FILE, SavedNetworkSettings
from overread.questions.retrain.records import KeptNetwork, LeftOutChampion, StudyChanges
from overread.questions.retrain.steps.plan_retraining import find_job
from overread.records import Result
from overread.runs.plan import TrainingPlan
from overread.runs.predict_cases import name_prediction
from overread.runs.progress import report_progress
from overread.runs.reuse import finish_results
from overread.runs.workers import run_side_by_side
from overread.study.study import Study
from overread.training.presets import Preset
from overread.training.result import TrainingResult

if TYPE_CHECKING:
    from overread.adapters.model_registry import ModelRegistry
    from overread.adapters.registry_records import NetworkVersion

LEFT_OUT_FILE = "left_out.json"


class LeftOutChampions(Result):
    """Former champions that could not predict, by what their network learns."""

    champions: dict[str, tuple[LeftOutChampion, ...]]


@dataclass(frozen=True)
class Candidate:
    """A trained network and its label set of predictions.

    Attributes:
        name: of the label set.
        folder: weights and settings of the network; None where its predictions are in the store.
        fingerprint: names its training.
        case_ids: what it is to predict.
    """

    name: str
    folder: Path | None
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
    """Write the predictions of the held-out cases as label sets `output/<name>`, and which champions are left out.

    A former champion whose network cannot be downloaded any more, or learnt other channels than the study has, is left
    out with its reason, unless its predictions are in the store.

    Args:
        study_folder: the study.
        changes_file: from `find_changes`.
        plan_file: from `plan_retraining`.
        networks: folders of the trainings.
        output: gets the masks.
        store: where finished predictions are kept.
        processes: cases that are predicted side by side.

    Raises:
        TrackingError: MLflow cannot be reached, or the network of the present champion cannot be downloaded.
    """
    changes, plan = StudyChanges.read(changes_file), TrainingPlan.read(plan_file)
    with tempfile.TemporaryDirectory(prefix="overread-champions-") as scratch:
        search = _ChampionSearch(Study.open(study_folder), plan, store, Path(scratch), {})
        candidates = list(_list_candidates(changes, plan, networks, search))
        candidate_of = {output / candidate.name: candidate for candidate in candidates}

        def predict(todo: Sequence[Path]) -> None:
            work = list(_list_assignments(todo, candidate_of, plan, study_folder))
            for done, _ in enumerate(run_side_by_side(_predict, work, processes=processes), start=1):
                if done == len(work):
                    report_progress(f"{done} predictions")

        key_of = {folder: _compute_key(candidate, plan) for folder, candidate in candidate_of.items()}
        finish_results(store, key_of, predict)
    LeftOutChampions(champions={labels: tuple(found) for labels, found in search.left_out.items()}).write(
        output / LEFT_OUT_FILE
    )


@dataclass(frozen=True)
class _ChampionSearch:
    """Where champions are looked for; `left_out` takes those that cannot predict, by what their network learns."""

    study: Study
    plan: TrainingPlan
    store: str
    scratch: Path
    left_out: dict[str, list[LeftOutChampion]]


def _list_assignments(
    todo: Sequence[Path], candidate_of: Mapping[Path, Candidate], plan: TrainingPlan, study: Path
) -> Iterator[_Assignment]:
    for folder in todo:
        candidate = candidate_of[folder]
        if candidate.folder is None:
            raise InputError("predictions that were in the store must stay there", found=f"none of {candidate.name}")
        for case_id in candidate.case_ids:
            yield _Assignment(study, plan.preset, candidate.folder, case_id, folder)


def _list_candidates(
    changes: StudyChanges, plan: TrainingPlan, networks: Sequence[Path], search: _ChampionSearch
) -> Iterator[Candidate]:
    results = {result.job.name: (result, folder) for folder in networks for result in [TrainingResult.read(folder)]}
    for network in changes.to_train:
        result, folder = results[find_job(plan, network).name]
        yield Candidate(network.challenger_masks, folder, result.fingerprint, result.job.test_cases)
        yield from _list_champions(network, result.job.test_cases, search)


def _list_champions(network: KeptNetwork, cases: tuple[str, ...], search: _ChampionSearch) -> Iterator[Candidate]:
    from overread.adapters.mlflow_calls import TrackingOutageError
    from overread.adapters.model_registry import connect_registry

    if not network.champions:
        return
    registry = connect_registry()
    for version in registry.list_versions(network.model):
        if version.version not in network.champions:
            continue
        name = network.name_masks(version.version)
        candidate = Candidate(name, None, version.origin.fingerprint, cases)
        if open_store(search.store).contains(_compute_key(candidate, search.plan)):
            yield candidate
            continue
        try:
            yield replace(candidate, folder=_fetch(registry, version, search))
        except TrackingOutageError:
            raise
        except (TrackingError, InputError) as error:
            if version.version == network.champion:
                raise
            _leave_out(network, version.version, str(error), search)


def _fetch(registry: "ModelRegistry", version: "NetworkVersion", search: _ChampionSearch) -> Path:
    """Download a network, and see that it fits the study of today."""
    from overread.adapters.model_registry import NETWORK_FOLDER

    folder = registry.download(version, NETWORK_FOLDER, search.scratch / version.name / str(version.version))
    try:
        saved = SavedNetworkSettings.read(folder / SETTINGS_FILE)
    except (OSError, ValidationError) as error:
        raise InputError("a network must be as Overread saved it", found=version.title, hint=str(error)) from error
    if saved.channels != search.study.settings.channels:
        raise InputError(
            "a network must have learnt the channels that the study has",
            found=", ".join(saved.channels),
            where=version.title,
        )
    return folder


def _leave_out(network: KeptNetwork, version: int, reason: str, search: _ChampionSearch) -> None:
    search.left_out.setdefault(network.labels, []).append(LeftOutChampion(version=version, reason=reason))
    report_progress(f"{network.labels}: former champion, version {version}, is not compared with: {reason}")


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
