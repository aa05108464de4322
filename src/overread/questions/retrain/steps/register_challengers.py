"""Step: register every challenger in MLflow, and promote, hold or refuse it as the gate says."""

import hashlib
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from overread.adapters.lease import holding_lease
from overread.adapters.model_registry import connect_registry
from overread.adapters.storage import open_store
from overread.questions.retrain.records import (
    NetworkDecision,
    NetworkJudgement,
    RetrainingJudgement,
    RetrainingOutcome,
    StudyChanges,
)
from overread.questions.retrain.steps.challenger_decision import describe_decision, write_down_decision
from overread.questions.retrain.steps.challenger_run import describe_origin, list_tags, log_judgement
from overread.questions.retrain.steps.judge_challengers import COMPARISONS_FILE, GALLERY_FILE, JUDGEMENT_FILE
from overread.questions.retrain.steps.plan_retraining import find_job
from overread.questions.retrain.steps.telemetry_retraining import tell_end
from overread.runs.pipeline_run import failing_with_pipeline_run
from overread.runs.plan import TrainingPlan
from overread.runs.progress import report_progress
from overread.training.result import TrainingResult

OUTCOME_FILE = "outcome.json"
PLAN_FILE = "plan.json"


def run(changes_file: Path, plan_file: Path, networks: Sequence[Path], judgement_folder: Path, *, store: str) -> str:
    """Register, decide and keep the outcome for the report.

    A challenger that another run of the pipeline has decided on keeps that decision.

    Args:
        changes_file: from `find_changes`.
        plan_file: from `plan_retraining`.
        networks: folders of the trainings.
        judgement_folder: from `judge_challengers`.
        store: address of the result store.

    Returns:
        The key of the outcome in the store.

    Raises:
        TrackingError: MLflow cannot be reached or refused, or somebody changed a champion since the judgement.
    """
    changes, plan = StudyChanges.read(changes_file), TrainingPlan.read(plan_file)
    judgement = RetrainingJudgement.read(judgement_folder / JUDGEMENT_FILE)
    folder_of = {TrainingResult.read(folder).job.name: folder for folder in networks}
    finished = _Finished(changes, plan, folder_of, judgement_folder, store)
    with failing_with_pipeline_run(plan, store):
        decisions = tuple(_decide(judged, finished) for judged in judgement.networks)
    outcome = RetrainingOutcome(changes=changes, decisions=decisions)
    tell_end(changes, decisions, store=store)
    return _keep(outcome, finished)


@dataclass(frozen=True)
class _Finished:
    """What the steps before have left: `folder_of` holds the network of each training, by name of its job."""

    changes: StudyChanges
    plan: TrainingPlan
    folder_of: Mapping[str, Path]
    judgement_folder: Path
    store: str


def _keep(outcome: RetrainingOutcome, finished: _Finished) -> str:
    """Keep an outcome under a key of its own: when a registration is repeated, humans may have decided meanwhile."""
    content = f"{finished.plan.run_fingerprint} {outcome.model_dump_json()}"
    key = f"retrainings/{hashlib.sha256(content.encode()).hexdigest()}"
    with tempfile.TemporaryDirectory(prefix="overread-outcome-") as scratch:
        folder = Path(scratch)
        outcome.write(folder / OUTCOME_FILE)
        finished.plan.write(folder / PLAN_FILE)
        for name in (COMPARISONS_FILE, GALLERY_FILE):
            shutil.copyfile(finished.judgement_folder / name, folder / name)
        open_store(finished.store).publish(key, folder)
    return key


def _decide(judged: NetworkJudgement, finished: _Finished) -> NetworkDecision:
    """Register a challenger and name it champion or not, while no other process does so."""
    registry, name = connect_registry(), judged.network.model
    run_id = _log(judged, finished)
    origin = describe_origin(judged, finished.changes, finished.plan)
    with holding_lease(open_store(finished.store), f"registry-{hashlib.sha256(name.encode()).hexdigest()[:16]}"):
        version = registry.add_version(name, run_id=run_id, origin=origin, tags=list_tags(judged, origin))
        champion = registry.find_champion(name)
        if not version.is_decided(judged.network.describe_terms(judged.settings)):
            version = write_down_decision(registry, version, champion, judged)
        if version.waits_for_its_alias(champion.version if champion else None):
            registry.crown(version)
            champion = version
    decision = describe_decision(judged, version, champion)
    report_progress(f"{judged.network.labels}: version {version.version} {_word(decision)}")
    return decision


def _log(judged: NetworkJudgement, finished: _Finished) -> str:
    network = finished.folder_of[find_job(finished.plan, judged.network).name]
    return log_judgement(
        judged, finished.plan, network, finished.judgement_folder / COMPARISONS_FILE, store=finished.store
    )


def _word(decision: NetworkDecision) -> str:
    words = {"promoted": "is champion", "held": "is on hold", "refused": "was refused"}[decision.state]
    return ": ".join([words, " ".join(decision.reasons)]) if decision.reasons else words
