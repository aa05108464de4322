"""What the run of a training in MLflow gets when its network is registered: the judgement, and where it comes from."""

import tempfile
from dataclasses import replace
from pathlib import Path

import overread
from overread.adapters.environment import read_environment
from overread.adapters.registry_records import NetworkOrigin
from overread.errors import TrackingError
from overread.questions.retrain.gate.figures import GateFigures
from overread.questions.retrain.records import NetworkJudgement, StudyChanges
from overread.questions.retrain.steps.judge_challengers import GATE_FOLDER, NETWORK_JUDGEMENT_FILE, VERDICT_VALUES
from overread.questions.retrain.steps.plan_retraining import find_job
from overread.runs.fingerprint import compute_code_digest
from overread.runs.pipeline_run import connect
from overread.runs.plan import TrainingPlan
from overread.runs.train_networks import build_training_key, describe_job, read_network_record
from overread.runs.training_run import log_record, open_training_run

SETTINGS_FILE = "settings.yaml"


def log_judgement(
    judged: NetworkJudgement, plan: TrainingPlan, network: Path, comparisons_file: Path, *, store: str
) -> str:
    """Add the judgement, its table and the settings to the run of the training, and return that run's id.

    A training that MLflow does not know to the end, or no more, is logged anew: a version is no use without weights.

    Args:
        judged: what the gate says of the challenger.
        plan: names the job and its settings.
        network: folder of the training.
        comparisons_file: per-case table behind the judgement.
        store: address of the result store.

    Raises:
        TrackingError: MLflow cannot be reached or refused.
    """
    tracker = connect(plan, store)
    job = find_job(plan, judged.network)
    training = replace(describe_job(plan, job), key=build_training_key(judged.fingerprint))
    record = read_network_record(network)
    is_known = tracker.has_finished(judged.fingerprint)
    with (
        open_training_run(tracker, training, device=record.device) as run,
        tempfile.TemporaryDirectory(prefix="overread-gate-") as scratch,
    ):
        if not is_known:
            log_record(run, record, network)
        run.log_metrics(collect_gate_metrics(judged))
        run.log_verdict(judged.figures.verdict)
        judgement, settings = Path(scratch) / NETWORK_JUDGEMENT_FILE, Path(scratch) / SETTINGS_FILE
        judged.write(judgement)
        settings.write_text(plan.settings_yaml, encoding="utf-8")
        for path in (judgement, settings, comparisons_file):
            run.log_file(path, GATE_FOLDER)
    if run.is_cut_off:
        raise TrackingError("MLflow must be reachable to register a network. Hint: run the pipeline again.")
    return run.run_id


def collect_gate_metrics(judged: NetworkJudgement) -> dict[str, float]:
    """The gate's figures, by name."""
    figures = judged.figures
    found: dict[str, float] = {
        "gate_subjects": figures.subject_count,
        "gate_cases": figures.case_count,
        "gate_verdict": VERDICT_VALUES[figures.verdict],
    }
    if figures.skill is not None:
        found["gate_skill"] = figures.skill.value
    for name in ("challenger_dice", "anchor_dice", "champion_dice", "champion_difference"):
        if (interval := getattr(figures, name)) is not None:
            found[f"gate_{name}"] = interval.estimate
    for name in ("dice_difference", "load_bias"):
        if (interval := getattr(figures, name)) is not None:
            found |= {
                f"gate_{name}": interval.estimate,
                f"gate_{name}_low": interval.low,
                f"gate_{name}_high": interval.high,
            }
    return found | _collect_chances(figures)


def _collect_chances(figures: GateFigures) -> dict[str, float]:
    """What the gate lets through, and the worst subject."""
    found: dict[str, float] = {}
    if figures.worst is not None:
        found["gate_worst_difference"] = figures.worst.difference
    if figures.chances is not None:
        found |= {f"gate_chance_{name}": value for name, value in figures.chances.model_dump().items()}
    return found


def describe_origin(judged: NetworkJudgement, changes: StudyChanges, plan: TrainingPlan) -> NetworkOrigin:
    """What a version was made from."""
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


def list_tags(judged: NetworkJudgement, origin: NetworkOrigin) -> dict[str, str]:
    """The tags by which people look for versions in MLflow."""
    return {
        "source": judged.network.labels,
        "dvc_rev": origin.revision,
        "study_digest": origin.study_digest,
        "git_commit": origin.code_commit,
        "preset": origin.preset,
    }
