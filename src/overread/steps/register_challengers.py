"""Step: register every challenger in MLflow, and make champion those that the gate lets through."""

import hashlib
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import overread
from overread.adapters.environment import read_environment
from overread.adapters.lease import holding_lease
from overread.adapters.storage import ResultStore, open_store
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
from overread.steps.training_run import log_untracked_results, open_training_run
from overread.training.result import TrainingResult

if TYPE_CHECKING:
    from overread.adapters.model_registry import ModelRegistry
    from overread.adapters.registry_records import NetworkOrigin, NetworkVersion

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
    results = [(TrainingResult.read(folder), folder) for folder in networks]
    with failing_with_pipeline_run(plan, store):
        log_untracked_results(plan, store, results)
        decisions = [
            _decide(judged, changes, plan, judgement_folder / COMPARISONS_FILE, store) for judged in judgement.networks
        ]
    outcome = RetrainingOutcome(changes=changes, decisions=tuple(decisions))
    tell_end(changes, outcome.decisions, store=store)
    return _keep(outcome, plan_file, judgement_folder, plan, open_store(store))


def _keep(
    outcome: RetrainingOutcome, plan_file: Path, judgement_folder: Path, plan: TrainingPlan, store: ResultStore
) -> str:
    key = f"retrainings/{plan.run_fingerprint}"
    with tempfile.TemporaryDirectory(prefix="overread-outcome-") as scratch:
        folder = Path(scratch)
        outcome.write(folder / OUTCOME_FILE)
        shutil.copyfile(plan_file, folder / PLAN_FILE)
        for name in (COMPARISONS_FILE, GALLERY_FILE):
            shutil.copyfile(judgement_folder / name, folder / name)
        store.publish(key, folder)
    return key


def _decide(
    judged: NetworkJudgement, changes: StudyChanges, plan: TrainingPlan, comparisons: Path, store: str
) -> NetworkDecision:
    from overread.adapters.model_registry import CHALLENGER, CHAMPION, connect_registry

    registry, name = connect_registry(), judged.network.model
    run_id = _log_judgement(judged, plan, comparisons, store)
    origin = _describe_origin(judged, changes, plan)
    with holding_lease(open_store(store), f"registry-{hashlib.sha256(name.encode()).hexdigest()[:16]}"):
        version = registry.add_version(name, run_id=run_id, origin=origin, tags=_list_tags(judged, origin))
        if not version.is_decided(judged.settings.describe(judged.network.reference)):
            registry.set_alias(version, CHALLENGER)
            _write_down(registry, version, judged)
        version, champion = registry.find_version(name, str(version.version)), registry.find_champion(name)
        if version.waits_for_its_alias(champion.version if champion else None):
            registry.set_alias(version, CHAMPION)
            champion = registry.find_champion(name)
    decision = _word_decision(judged, version, champion)
    report_progress(f"{judged.network.labels}: version {version.version} {_word(decision)}")
    return decision


def _write_down(registry: "ModelRegistry", version: "NetworkVersion", judged: NetworkJudgement) -> None:
    """Write down what the gate says; a promotion comes true with the alias, which a later run sets if this one dies."""
    from overread.adapters.registry_records import happen

    champion = registry.find_champion(version.name)
    if (champion.version if champion else None) != judged.network.champion:
        raise TrackingError(
            f"the champion of {version.name} must be the one that the challenger was compared with, version "
            f"{judged.network.champion}, got version {champion.version if champion else None}. "
            "Hint: run the pipeline again."
        )
    if reasons := _list_reasons(version, champion, judged):
        terms = judged.settings.describe(judged.network.reference)
        event = happen("refused", by=GATE, reason=" ".join(reasons), terms=terms)
    else:
        reason = "first of its kind" if champion is None else "not worse than the champion beyond the margins"
        event = happen("promoted", by=GATE, reason=reason, replaces=judged.network.champion)
    registry.add_event(version, event, tags={"decision": event.action, "reason": event.reason})


def _list_reasons(
    version: "NetworkVersion", champion: "NetworkVersion | None", judged: NetworkJudgement
) -> tuple[str, ...]:
    reasons = judged.figures.reasons
    if champion is not None and champion.origin.revision_number > version.origin.revision_number:
        reasons += (
            f"The champion learnt from a later revision, {champion.origin.revision[:7]}, than the challenger, "
            f"{version.origin.revision[:7]}.",
        )
    return reasons


def _word_decision(
    judged: NetworkJudgement, version: "NetworkVersion", champion: "NetworkVersion | None"
) -> NetworkDecision:
    refusal = next((event for event in reversed(version.history) if event.action == "refused"), None)
    is_promoted = version.promotion is not None
    return NetworkDecision(
        judgement=judged,
        version=version.version,
        is_promoted=is_promoted,
        reasons=() if is_promoted or refusal is None else (judged.figures.reasons or (refusal.reason,)),
        champion=champion.version if champion else None,
    )


def _word(decision: NetworkDecision) -> str:
    return "is champion" if decision.is_promoted else f"refused: {' '.join(decision.reasons)}"


def _log_judgement(judged: NetworkJudgement, plan: TrainingPlan, comparisons: Path, store: str) -> str:
    """Add the judgement, its table and the settings to the run of the training, and return that run's id."""
    job = find_job(plan, judged.network)
    with (
        open_training_run(connect(plan, store), plan, job, judged.fingerprint) as run,
        tempfile.TemporaryDirectory(prefix="overread-gate-") as scratch,
    ):
        run.log_metrics(collect_gate_metrics(judged))
        judgement, settings = Path(scratch) / NETWORK_JUDGEMENT_FILE, Path(scratch) / SETTINGS_FILE
        judged.write(judgement)
        settings.write_text(plan.settings_yaml, encoding="utf-8")
        for path in (judgement, settings, comparisons):
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
        revision_number=changes.revision_number,
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
