"""Inputs of a report, small enough to check by hand."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

from overread.evaluation.matters import Matters
from overread.evaluation.results import (
    COMPARISON_COLUMNS,
    BlandAltman,
    Estimate,
    Interval,
    LoadOrder,
    MetricSummary,
    name_network,
)
from overread.evaluation.skill import Skill
from overread.questions.rater_bias.page.report import write_rater_bias_report
from overread.questions.rater_bias.results import CrossEvaluation, LoadDifferences, SourcePair
from overread.report.context import RunContext
from overread.study.cases import Case, write_cases
from overread.study.label_set import LabelSet
from overread.study.rasters import write_image, write_mask, write_volume
from overread.study.schema import SourceSettings, StudySettings
from overread.study.study import Study
from overread.training.result import TrainingJob, TrainingResult
from tests.training_results import make_training_result

AFFINE = np.diag([1.0, 2.0, 4.0, 1.0])


@dataclass
class Inputs:
    evaluation: CrossEvaluation
    comparisons: pd.DataFrame
    study: Study
    predictions: dict[str, LabelSet]
    trainings: list[TrainingResult]
    context: RunContext

    def write(self, path: Path) -> str:
        write_rater_bias_report(
            path,
            evaluation=self.evaluation,
            comparisons=self.comparisons,
            study=self.study,
            predictions=self.predictions,
            trainings=self.trainings,
            context=self.context,
        )
        return path.read_text(encoding="utf-8")


def build_inputs(
    root: Path,
    *,
    sources: Sequence[str] = ("ann", "ben"),
    case_count: int = 4,
    dimensions: int = 2,
    target: str = "lesion",
    kind: str = "human",
) -> Inputs:
    study = build_study(root / "study", sources, case_count=case_count, dimensions=dimensions, target=target, kind=kind)
    predictions = {
        source: LabelSet(name_network(source), root / "predictions" / source, study.suffix) for source in sources
    }
    for place, source in enumerate(sources):
        for case_id in study.case_ids:
            mask = build_mask(dimensions, size=7 + place)
            write_mask(predictions[source].path(case_id), mask, study.read_affine(case_id))
    return Inputs(
        evaluation=build_evaluation(study, sources),
        comparisons=build_comparisons(study, sources),
        study=study,
        predictions=predictions,
        trainings=[build_training(study, source, repeat) for source in sources for repeat in range(2)],
        context=build_context(sources),
    )


def build_study(
    root: Path, sources: Sequence[str], *, case_count: int, dimensions: int, target: str, kind: str
) -> Study:
    settings = StudySettings.parse(
        {
            "name": "tiny",
            "dimensions": dimensions,
            "modality": "MR",
            "channels": ["t1"],
            "target": target,
            "sources": {source: SourceSettings.parse({"kind": kind}, where="test") for source in sources},
        },
        where="test",
    )
    root.mkdir(parents=True)
    settings.write_yaml(root / "study.yaml")
    cases = [Case(f"c{number:02d}", f"s{number:02d}") for number in range(case_count)]
    write_cases(root / "cases.csv", cases)
    shape = (24, 20) if dimensions == 2 else (24, 20, 3)
    image = np.arange(np.prod(shape), dtype=np.float64).reshape(shape) % 251
    for case in cases:
        if dimensions == 2:
            write_image(root / "images" / case.case_id / "t1.png", image.astype(np.uint8))
        else:
            write_volume(root / "images" / case.case_id / "t1.nii.gz", image.astype(np.float32), AFFINE)
        for place, source in enumerate(sources):
            suffix = ".png" if dimensions == 2 else ".nii.gz"
            mask = build_mask(dimensions, size=6 + place)
            path = root / "labels" / source / f"{case.case_id}{suffix}"
            write_mask(path, mask, None if dimensions == 2 else AFFINE)
    return Study.open(root)


def build_mask(dimensions: int, *, size: int) -> np.ndarray:
    mask = np.zeros((24, 20) if dimensions == 2 else (24, 20, 3), np.bool_)
    mask[4 : 4 + size, 5 : 5 + size] = True
    return mask


def build_comparisons(study: Study, sources: Sequence[str]) -> pd.DataFrame:
    """Dice 0.9 for own, 0.7 for other pairs, less 0.01 per case; loads 10 per source, 1 per case, networks double."""
    loads = {source: 10.0 * (place + 1) for place, source in enumerate(sources)}
    loads |= {name_network(source): 20.0 * (place + 1) for place, source in enumerate(sources)}
    networks = [name_network(source) for source in sources]
    pairs = [*combinations(sources, 2), *((n, s) for n in networks for s in sources), *combinations(networks, 2)]
    rows = []
    for prediction, reference in pairs:
        for number, case in enumerate(study.cases):
            dice = (0.9 if prediction == name_network(reference) else 0.7) - 0.01 * number
            metrics = (dice, dice, 1.5, 0.5)
            keys = (prediction, reference, case.case_id, case.subject_id)
            rows.append((*keys, *metrics, loads[prediction] + number, loads[reference] + number))
    return pd.DataFrame(rows, columns=list(COMPARISON_COLUMNS))


def build_evaluation(study: Study, sources: Sequence[str]) -> CrossEvaluation:
    networks = [name_network(source) for source in sources]
    pairs = [*combinations(sources, 2), *((n, s) for n in networks for s in sources), *combinations(networks, 2)]
    several = len(sources) > 1
    return CrossEvaluation(
        study="tiny",
        target=study.settings.target,
        length_unit=study.settings.length_unit,
        load_unit=study.settings.load_unit,
        surface_tolerance=2.0,
        matters=Matters(),
        sources=tuple(sources),
        raters=tuple(sources),
        case_ids=study.case_ids,
        missing_cases=dict.fromkeys(sources, ()),
        empty_cases={},
        skills={source: Skill(own=0.885, guess=0.1, raters=0.8) for source in sources},
        rater_dice={},
        consensus_gains=(),
        matrix=tuple(summarise(*pair, metric) for pair in pairs for metric in ("dice", "surface_dice", "hd95", "assd")),
        pairs=tuple(build_pair(first, second, len(study.case_ids)) for first, second in combinations(sources, 2)),
        same_dice=Interval(estimate=0.885, low=0.861, high=0.902),
        cross_dice=Interval(estimate=0.741, low=0.702, high=0.779) if several else None,
        dice_gap=build_estimate(0.144, 0.112, 0.176) if several else None,
        verdict="yes" if several else "cannot tell",
        two_sample_p=0.0123 if several else None,
    )


def build_estimate(estimate: float, low: float, high: float, **changes: object) -> Estimate:
    """An estimate of 18 subjects in five folds, trained twice."""
    values: dict[str, object] = {
        "standard_error": (high - low) / 4,
        "degrees_of_freedom": 9.0,
        "smallest_detectable": 0.042,
        "p_value": 0.001,
        "subject_count": 18,
        "fold_count": 5,
        "repeat_count": 2,
        "run_std": 0.014,
    }
    return Estimate.parse({"estimate": estimate, "low": low, "high": high, **values, **changes}, where="test")


def summarise(prediction: str, reference: str, metric: str, **changes: object) -> MetricSummary:
    mean = 0.873 if prediction == name_network(reference) else 0.716
    values: dict[str, object] = {"mean": mean, "std": 0.042, "median": 0.88, "case_count": 4, "infinite_count": 0}
    return MetricSummary.parse(
        {"prediction": prediction, "reference": reference, "metric": metric, **values, **changes}, where="test"
    )


def build_pair(first: str, second: str, case_count: int) -> SourcePair:
    return SourcePair(
        first=first,
        second=second,
        case_count=case_count,
        source_dice=summarise(first, second, "dice"),
        network_dice=summarise(name_network(first), name_network(second), "dice"),
        source_order=LoadOrder(below=case_count - 1, equal=0, above=1),
        network_order=LoadOrder(below=case_count, equal=0, above=0),
        source_loads=BlandAltman(bias=10.0, std=2.0, lower_limit=6.08, upper_limit=13.92, case_count=case_count),
        network_loads=BlandAltman(bias=20.0, std=1.0, lower_limit=18.04, upper_limit=21.96, case_count=case_count),
        dice_gap=build_estimate(0.131, 0.099, 0.163),
        p_holm=0.003,
        verdict="yes",
        load_differences=LoadDifferences(
            raters=Interval(estimate=0.5, low=0.4, high=0.6),
            networks=build_estimate(0.75, 0.6, 0.9),
            change=build_estimate(0.25, 0.05, 0.45),
        ),
        effect="amplified",
    )


def build_training(study: Study, source: str, repeat: int) -> TrainingResult:
    cases = study.case_ids
    job = TrainingJob(
        source=source,
        network="unet",
        fold=0,
        repeat=repeat,
        seed=17 + repeat,
        train_cases=cases[:2],
        validation_cases=cases[2:3],
        test_cases=cases[3:],
    )
    return make_training_result(job, kept_epoch=9)


def build_context(sources: Sequence[str]) -> RunContext:
    return RunContext(
        pipeline="rater-bias",
        study="tiny",
        revision="a1b2c3d4" * 5,
        study_digest="11" * 32,
        source_digests=dict.fromkeys(sources, "22" * 32),
        code_version="0.1.0",
        code_digest="33" * 32,
        preset="demo",
        settings_yaml="network: unet_2d\nlearning_rate: 0.0005\n",
        created="2026-03-01T12:00:00Z",
        tracking_url="http://tracking.example:5000/#/experiments/1/runs/abc",
    )
