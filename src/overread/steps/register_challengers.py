"""Step: register every challenger in MLflow, and make champion those that the gate lets through."""

import hashlib
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import overread
from overread.adapters.environment import read_environment
from overread.adapters.lease import holding_lease
from overread.adapters.storage import open_store
from overread.errors import TrackingError
from overread.evaluation.retraining_records import (
    NetworkDecision,
    NetworkJudgement,
    RetrainingJudgement,
    RetrainingOutcome,
    StudyChanges,
)
from overread.steps.fingerprint import compute_code_digest
from overread.steps.judge_challengers import (
    COMPARISONS_FILE,
    GALLERY_FILE,
    GATE_FOLDER,
    JUDGEMENT_FILE,
    NETWORK_JUDGEMENT_FILE,
)
from overread.steps.pipeline_run import connect, failing_with_pipeline_run
from overread.steps.plan import TrainingPlan
from overread.steps.plan_retraining import find_job
from overread.steps.progress import report_progress
from overread.steps.telemetry_retraining import tell_end
from overread.steps.training_run import log_result, open_training_run
from overread.training.result import TrainingResult

if TYPE_CHECKING:
    from overread.adapters.model_registry import ModelRegistry
    from overread.adapters.registry_records import Event, NetworkOrigin, NetworkVersion

OUTCOME_FILE = "outcome.json"
PLAN_FILE = "plan.json"
SETTINGS_FILE = "settings.yaml"
GATE = "gate"
"""Who decides where no human does."""


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
    from overread.adapters.model_registry import connect_registry

    registry, name = connect_registry(), judged.network.model
    run_id = _log_judgement(judged, finished)
    origin = _describe_origin(judged, finished.changes, finished.plan)
    with holding_lease(open_store(finished.store), f"registry-{hashlib.sha256(name.encode()).hexdigest()[:16]}"):
        version = registry.add_version(name, run_id=run_id, origin=origin, tags=_list_tags(judged, origin))
        champion = registry.find_champion(name)
        if not version.is_decided(judged.settings.describe(judged.network.reference)):
            version = _write_down(registry, version, champion, judged)
        if version.waits_for_its_alias(champion.version if champion else None):
            registry.crown(version)
            champion = version
    decision = _word_decision(judged, version, champion)
    report_progress(f"{judged.network.labels}: version {version.version} {_word(decision)}")
    return decision


def _write_down(
    registry: "ModelRegistry", version: "NetworkVersion", champion: "NetworkVersion | None", judged: NetworkJudgement
) -> "NetworkVersion":
    """Write down what the gate says; a promotion comes true with the alias, which a later run sets if this one dies."""
    from overread.adapters.model_registry import CHALLENGER

    registry.set_alias(version, CHALLENGER)
    if (champion.version if champion else None) != judged.network.champion:
        raise TrackingError(
            f"the champion of {version.name} must be the one that the challenger was compared with, version "
            f"{judged.network.champion}, got version {champion.version if champion else None}. "
            "Hint: run the pipeline again."
        )
    event = _word_event(version, champion, judged)
    return registry.add_event(version, event, tags={"decision": event.action, "reason": event.reason})


def _word_event(version: "NetworkVersion", champion: "NetworkVersion | None", judged: NetworkJudgement) -> "Event":
    from overread.adapters.registry_records import happen, list_line

    if reasons := _list_reasons(version, champion, judged):
        terms = judged.settings.describe(judged.network.reference)
        return happen("refused", by=GATE, reason=" ".join(reasons), terms=terms)
    reason = "first of its kind" if champion is None else "not worse than the champion beyond the margins"
    return happen("promoted", by=GATE, reason=reason, line=list_line(champion))


def _list_reasons(
    version: "NetworkVersion", champion: "NetworkVersion | None", judged: NetworkJudgement
) -> tuple[str, ...]:
    reasons = judged.figures.reasons
    if champion is not None and judged.network.champion_is_later:
        reasons += (
            f"The champion learnt from a later revision, {champion.origin.revision[:7]}, than the challenger, "
            f"{version.origin.revision[:7]}.",
        )
    return reasons


def _word_decision(
    judged: NetworkJudgement, version: "NetworkVersion", champion: "NetworkVersion | None"
) -> NetworkDecision:
    is_promoted = champion is not None and champion.version == version.version
    last = version.last_event
    found = _list_reasons(version, champion, judged) if last is not None and last.action == "refused" else ()
    return NetworkDecision(
        judgement=judged,
        version=version.version,
        is_promoted=is_promoted,
        reasons=() if is_promoted or last is None else (found or (last.reason,)),
        champion=champion.version if champion else None,
    )


def _word(decision: NetworkDecision) -> str:
    return "is champion" if decision.is_promoted else f"refused: {' '.join(decision.reasons)}"


def _log_judgement(judged: NetworkJudgement, finished: _Finished) -> str:
    """Add the judgement, its table and the settings to the run of the training, and return that run's id.

    A training that MLflow does not know to the end, or no more, is logged anew: a version is no use without weights.
    """
    plan, tracker = finished.plan, connect(finished.plan, finished.store)
    job = find_job(plan, judged.network)
    is_known = tracker.has_finished(judged.fingerprint)
    with (
        open_training_run(tracker, plan, job, judged.fingerprint) as run,
        tempfile.TemporaryDirectory(prefix="overread-gate-") as scratch,
    ):
        if not is_known:
            log_result(run, finished.folder_of[job.name])
        run.log_metrics(collect_gate_metrics(judged))
        judgement, settings = Path(scratch) / NETWORK_JUDGEMENT_FILE, Path(scratch) / SETTINGS_FILE
        judged.write(judgement)
        settings.write_text(plan.settings_yaml, encoding="utf-8")
        for path in (judgement, settings, finished.judgement_folder / COMPARISONS_FILE):
            run.log_file(path, GATE_FOLDER)
    if run.is_cut_off:
        raise TrackingError("MLflow must be reachable to register a network. Hint: run the pipeline again.")
    return run.run_id


def collect_gate_metrics(judged: NetworkJudgement) -> dict[str, float]:
    """The gate's figures, by name."""
    figures = judged.figures
    found: dict[str, float] = {"gate_cases": figures.case_count, "gate_passes": float(figures.passes)}
    for name in ("challenger_dice", "champion_dice"):
        if (interval := getattr(figures, name)) is not None:
            found[f"gate_{name}"] = interval.estimate
    for name in ("dice_difference", "load_bias"):
        if (interval := getattr(figures, name)) is not None:
            found |= {
                f"gate_{name}": interval.estimate,
                f"gate_{name}_low": interval.low,
                f"gate_{name}_high": interval.high,
            }
    return found


def _describe_origin(judged: NetworkJudgement, changes: StudyChanges, plan: TrainingPlan) -> "NetworkOrigin":
    from overread.adapters.registry_records import NetworkOrigin

    return NetworkOrigin(
        fingerprint=judged.fingerprint,
        study=changes.study,
        study_uri=changes.study_uri,
        revision=changes.revision,
        study_digest=plan.compute_data_digest(find_job(plan, judged.network)),
        labels=judged.network.digests,
        recipe=changes.recipe,
        preset=plan.preset_name,
        code_commit=read_environment().code_commit or compute_code_digest(),
        code_version=overread.__version__,
    )


def _list_tags(judged: NetworkJudgement, origin: "NetworkOrigin") -> dict[str, str]:
    return {
        "source": judged.network.labels,
        "dvc_rev": origin.revision,
        "study_digest": origin.study_digest,
        "git_commit": origin.code_commit,
        "preset": origin.preset,
    }
