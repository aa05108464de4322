"""Step: compare every challenger with its champion on the held-out cases, and apply the gate."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from overread.evaluation.bootstrap import bootstrap_mean
from overread.evaluation.results import Interval
from overread.questions.retrain.gate import GateSettings, apply_gate, select_counted
from overread.questions.retrain.records import (
    KeptNetwork,
    NetworkJudgement,
    ReferenceDice,
    RetrainingJudgement,
    StudyChanges,
)
from overread.questions.retrain.steps.plan_retraining import find_job
from overread.runs.plan import TrainingPlan
from overread.runs.progress import report_progress
from overread.study.digest import compute_file_digest
from overread.study.label_set import LabelSet
from overread.study.study import Study
from overread.training.result import TrainingResult

if TYPE_CHECKING:
    import pandas as pd

JUDGEMENT_FILE = "judgement.json"
COMPARISONS_FILE = "comparisons.csv"
GALLERY_FILE = "gallery.json"
GATE_FOLDER = "gate"
"""Artifact folder of a training's run that holds its judgement."""

NETWORK_JUDGEMENT_FILE = "network_judgement.json"


def run(
    study_folder: Path,
    changes_file: Path,
    plan_file: Path,
    networks: Sequence[Path],
    predictions: Path,
    *,
    output: Path,
) -> RetrainingJudgement:
    """Write the judgement of every challenger, the per-case table behind it and pictures of cases into `output`.

    Args:
        study_folder: the study.
        changes_file: from `find_changes`.
        plan_file: from `plan_retraining`.
        networks: folders of the trainings.
        predictions: from `predict_challengers`.
        output: gets the files.
    """
    from overread.evaluation.table import write_comparisons
    from overread.questions.retrain.page.gallery import collect_gallery

    study, plan = Study.open(study_folder), TrainingPlan.read(plan_file)
    changes = StudyChanges.read(changes_file)
    fingerprints = {result.job.name: result.fingerprint for result in map(TrainingResult.read, networks)}
    comparisons = _compare(study, plan, changes, predictions)
    judgement = RetrainingJudgement(
        networks=tuple(
            _judge(study, network, comparisons, fingerprints[find_job(plan, network).name], changes.choice.gate)
            for network in changes.to_train
        )
    )
    judgement.write(output / JUDGEMENT_FILE)
    write_comparisons(output / COMPARISONS_FILE, comparisons)
    collect_gallery(study, judgement, predictions, comparisons).write(output / GALLERY_FILE)
    for judged in judgement.networks:
        report_progress(f"{judged.network.labels}: {'passes' if judged.figures.passes else 'refused'}")
    return judgement


def list_gate_figures(judgement: RetrainingJudgement) -> dict[str, float]:
    """Dice and load bias of every challenger, by a readable name."""
    found: dict[str, float] = {}
    for judged in judgement.networks:
        labels, figures = judged.network.labels, judged.figures
        found[f"{labels} passes"] = int(figures.passes)
        for name in ("challenger_dice", "champion_dice", "dice_difference", "load_bias"):
            if (interval := getattr(figures, name)) is not None:
                found[f"{labels} {name.replace('_', ' ')}"] = round(interval.estimate, 4)
    return found


def _compare(study: Study, plan: TrainingPlan, changes: StudyChanges, predictions: Path) -> "pd.DataFrame":
    from overread.evaluation.compare import LabelSetPair, compare_pairs

    pairs = []
    for network in changes.to_train:
        cases = find_job(plan, network).test_cases
        names = (network.challenger_masks, *([network.champion_masks] if network.champion else []))
        for name in names:
            masks = LabelSet(name, predictions / name, study.suffix)
            pairs += [LabelSetPair(masks, study.labels(source), cases) for source in changes.needed_sources]
    return compare_pairs(pairs, study=study, tolerance=plan.preset.surface_tolerance)


def _judge(
    study: Study, network: KeptNetwork, comparisons: "pd.DataFrame", fingerprint: str, settings: GateSettings
) -> NetworkJudgement:
    challenger = _select(comparisons, network.challenger_masks, network.reference)
    champion = _select(comparisons, network.champion_masks, network.reference) if network.champion else None
    digests = _digest_masks(study, network.reference, challenger["case_id"].tolist())
    counted = select_counted(challenger, digests, _read_vouched(network))
    figures = apply_gate(
        challenger[challenger["case_id"].isin(counted)],
        None if champion is None else champion[champion["case_id"].isin(counted)],
        settings=settings,
        seed=0,
    )
    return NetworkJudgement(
        network=network,
        fingerprint=fingerprint,
        settings=settings,
        figures=figures,
        counted_cases=tuple(counted),
        other_cases=tuple(case for case in digests if case not in counted),
        reference_digests=digests,
        dice=tuple(_summarise(network, comparisons)),
    )


def _select(comparisons: "pd.DataFrame", prediction: str, reference: str) -> "pd.DataFrame":
    return comparisons[(comparisons["prediction"] == prediction) & (comparisons["reference"] == reference)]


def _digest_masks(study: Study, source: str, cases: Sequence[str]) -> dict[str, str]:
    return {case_id: compute_file_digest(study.labels(source).path(case_id)) for case_id in cases}


def _read_vouched(network: KeptNetwork) -> Mapping[str, str] | None:
    """Digests of the reference masks that the champion was judged by; None where it was judged by another source."""
    if network.champion is None:
        return None
    from overread.adapters.model_registry import connect_registry

    registry = connect_registry()
    version = registry.find_version(network.model, str(network.champion))
    with tempfile.TemporaryDirectory(prefix="overread-judgement-") as scratch:
        judged = NetworkJudgement.read(
            registry.download(version, f"{GATE_FOLDER}/{NETWORK_JUDGEMENT_FILE}", Path(scratch))
        )
    return judged.reference_digests if judged.network.reference == network.reference else None


def _summarise(network: KeptNetwork, comparisons: "pd.DataFrame") -> Iterator[ReferenceDice]:
    for reference in dict.fromkeys(comparisons["reference"]):
        challenger = _select(comparisons, network.challenger_masks, reference)
        champion = _select(comparisons, network.champion_masks, reference)
        if len(challenger):
            yield ReferenceDice(
                reference=reference,
                case_count=len(challenger),
                challenger=_average(challenger),
                champion=_average(champion) if len(champion) else None,
            )


def _average(rows: "pd.DataFrame") -> Interval:
    return bootstrap_mean(rows["dice"].tolist(), rows["subject_id"].tolist(), seed=0)
