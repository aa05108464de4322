"""Step: compare every challenger with the champions so far on the held-out cases, and apply the gate."""

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from overread.evaluation.results import Interval
from overread.evaluation.skill import Skill, measure_skill
from overread.questions.retrain.gate.rule import apply_gate, describe_mean, select_counted
from overread.questions.retrain.gate.settings import GateSettings, GateVerdict
from overread.questions.retrain.gate.wording import describe_chances
from overread.questions.retrain.records import (
    KeptNetwork,
    LeftOutChampion,
    NetworkJudgement,
    ReferenceDice,
    RetrainingJudgement,
    StudyChanges,
)
from overread.questions.retrain.steps.plan_retraining import find_job
from overread.questions.retrain.steps.predict_challengers import LEFT_OUT_FILE, LeftOutChampions
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

VERDICT_VALUES: Mapping[GateVerdict, int] = {"promote": 1, "hold": 0, "refuse": -1}
"""A verdict as a metric."""


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
    left_out = LeftOutChampions.read(predictions / LEFT_OUT_FILE).champions
    comparisons = _compare(study, plan, changes, predictions, left_out)
    judgement = RetrainingJudgement(
        networks=tuple(
            _judge(
                _Bench(study, comparisons, predictions, changes.choice.gate),
                network,
                fingerprint=fingerprints[find_job(plan, network).name],
                left_out=left_out.get(network.labels, ()),
            )
            for network in changes.to_train
        )
    )
    judgement.write(output / JUDGEMENT_FILE)
    write_comparisons(output / COMPARISONS_FILE, comparisons)
    collect_gallery(study, judgement, predictions, comparisons).write(output / GALLERY_FILE)
    for judged in judgement.networks:
        report_progress(f"{judged.network.labels}: {judged.figures.verdict}")
        if told := describe_chances(judged.figures, judged.settings):
            report_progress(told)
    return judgement


def list_gate_figures(judgement: RetrainingJudgement) -> dict[str, float]:
    """Dice, load bias and chances of every challenger, by a readable name."""
    found: dict[str, float] = {}
    for judged in judgement.networks:
        labels, figures = judged.network.labels, judged.figures
        found[f"{labels} verdict"] = VERDICT_VALUES[figures.verdict]
        for name in ("challenger_dice", "anchor_dice", "dice_difference", "champion_difference", "load_bias"):
            if (interval := getattr(figures, name)) is not None:
                found[f"{labels} {name.replace('_', ' ')}"] = round(interval.estimate, 4)
        if figures.chances is not None:
            found[f"{labels} chance of an equal network"] = round(figures.chances.equal, 4)
    return found


def _compare(
    study: Study,
    plan: TrainingPlan,
    changes: StudyChanges,
    predictions: Path,
    left_out: Mapping[str, Sequence[LeftOutChampion]],
) -> "pd.DataFrame":
    """Challengers and present champions with all sources, former champions with the reference alone."""
    from overread.evaluation.compare import LabelSetPair, compare_pairs

    pairs = []
    for network in changes.to_train:
        cases = find_job(plan, network).test_cases
        references = {network.challenger_masks: changes.needed_sources}
        for version in _list_compared(network, left_out.get(network.labels, ())):
            is_present = version == network.champion
            references[network.name_masks(version)] = changes.needed_sources if is_present else (network.reference,)
        for name, sources in references.items():
            masks = LabelSet(name, predictions / name, study.suffix)
            pairs += [LabelSetPair(masks, study.labels(source), cases) for source in sources]
    return compare_pairs(pairs, study=study, tolerance=plan.preset.surface_tolerance)


def _list_compared(network: KeptNetwork, left_out: Sequence[LeftOutChampion]) -> list[int]:
    absent = {champion.version for champion in left_out}
    return [version for version in network.champions if version not in absent]


@dataclass(frozen=True)
class _Bench:
    """What all networks are judged by."""

    study: Study
    comparisons: "pd.DataFrame"
    predictions: Path
    settings: GateSettings


def _judge(
    bench: _Bench, network: KeptNetwork, *, fingerprint: str, left_out: tuple[LeftOutChampion, ...]
) -> NetworkJudgement:
    challenger = _select(bench.comparisons, network.challenger_masks, network.reference)
    digests = _digest_masks(bench.study, network.reference, challenger["case_id"].tolist())
    counted = select_counted(challenger, digests, _read_vouched(network))

    def select_rows(name: str) -> "pd.DataFrame":
        rows = _select(bench.comparisons, name, network.reference)
        return rows[rows["case_id"].isin(counted)]

    figures = apply_gate(
        select_rows(network.challenger_masks),
        {version: select_rows(network.name_masks(version)) for version in _list_compared(network, left_out)},
        champion=network.champion,
        skill=_measure_skill(bench, network, select_rows(network.challenger_masks)),
        settings=bench.settings,
    )
    return NetworkJudgement(
        network=network,
        fingerprint=fingerprint,
        settings=bench.settings,
        figures=figures,
        left_out=left_out,
        counted_cases=tuple(counted),
        other_cases=tuple(case for case in digests if case not in counted),
        reference_digests=digests,
        dice=tuple(_summarise(network, bench.comparisons)),
    )


def _measure_skill(bench: _Bench, network: KeptNetwork, counted: "pd.DataFrame") -> Skill | None:
    """Skill of a challenger on the cases that count; None where the reference has labelled no voxel of them."""
    if not counted["reference_load"].sum() > 0:
        return None
    name = network.challenger_masks
    return measure_skill(
        bench.study.labels(network.reference),
        LabelSet(name, bench.predictions / name, bench.study.suffix),
        case_ids=counted["case_id"].tolist(),
        subject_of=bench.study.subject_of,
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
        file = registry.download(version, f"{GATE_FOLDER}/{NETWORK_JUDGEMENT_FILE}", Path(scratch))
        # Whatever else a judgement of another version of Overread holds, these two have kept their names.
        judged = json.loads(file.read_text(encoding="utf-8"))
    return judged["reference_digests"] if judged["network"]["reference"] == network.reference else None


def _summarise(network: KeptNetwork, comparisons: "pd.DataFrame") -> Iterator[ReferenceDice]:
    for reference in dict.fromkeys(comparisons["reference"]):
        challenger = _select(comparisons, network.challenger_masks, reference)
        if len(challenger):
            yield ReferenceDice(
                reference=reference,
                case_count=len(challenger),
                challenger=describe_mean(challenger, "dice"),
                champion=_describe_champion(network, comparisons, reference),
            )


def _describe_champion(network: KeptNetwork, comparisons: "pd.DataFrame", reference: str) -> Interval | None:
    if network.champion is None:
        return None
    return describe_mean(_select(comparisons, network.name_masks(network.champion), reference), "dice")
