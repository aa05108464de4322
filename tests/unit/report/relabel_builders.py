"""Inputs of the report of `relabel`, small enough to check by hand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from report_builders import build_context, build_mask, build_study

from overread.evaluation.skill import Skill
from overread.questions.relabel.evaluation import RelabelDesign, summarise_relabelling
from overread.questions.relabel.page.report import write_relabel_report
from overread.questions.relabel.results import (
    DICE_COLUMNS,
    LABEL_COLUMNS,
    MissingCorrection,
    NoisyLabels,
    PlainTraining,
    RelabelEvaluation,
    RelabelledSource,
    WatchedEpoch,
    WatchedTraining,
)
from overread.report.context import RunContext
from overread.study.label_set import LabelSet
from overread.study.rasters import write_mask
from overread.study.study import Study

NOISES = ("polygon-3", "polygon-7")
DICE = {"clean": (0.90, np.nan), "none": (0.70, 0.75), "reweight": (0.76, 0.72), "relabel": (0.80, 0.71)}
"""Means of D_clean and D_noisy by correction."""
LABEL_DICE = (0.60, 0.72)
"""Means before and after relabelling."""
UNCERTAINTY = (100.0, 90.0, 45.0, 40.0, 38.0)
"""ΣU; its relative change is smallest, -0.5, at epoch 3."""
BEFORE = ((0.50, 0.40), (0.65, 0.55), (0.70, 0.66), (0.68, 0.70), (0.66, 0.73))
"""Validation Dice with clean and with noisy labels by epoch; the former is best at epoch 3."""
AFTER = ((0.72, 0.64), (0.78, 0.62))
LEARNT = Skill(own=0.7, guess=0.3)


@dataclass
class Inputs:
    evaluation: RelabelEvaluation
    relabelled: pd.DataFrame
    study: Study
    labels: dict[str, LabelSet]
    context: RunContext

    def write(self, path: Path) -> str:
        write_relabel_report(
            path,
            evaluation=self.evaluation,
            relabelled=self.relabelled,
            study=self.study,
            labels=self.labels,
            context=self.context,
        )
        return path.read_text(encoding="utf-8")


def build_relabel_inputs(
    root: Path,
    *,
    noises: Sequence[str] = NOISES,
    methods: Sequence[str] = ("tta", "mc_dropout"),
    corrections: Sequence[str] = ("clean", "none", "reweight", "relabel"),
    clean_source: str = "truth",
    case_count: int = 6,
    folds: int = 3,
    repeats: int = 2,
    skill: Skill = LEARNT,
    dimensions: int = 2,
    missing: Sequence[MissingCorrection] = (),
    label_dice: Mapping[str, tuple[float, float]] | None = None,
    spread: float = 0.02,
) -> Inputs:
    """The folds take the cases by turns; a training that is missing leaves no prediction, mask or record."""
    study = build_study(
        root / "study", ("truth",), case_count=case_count, dimensions=dimensions, target="lesion", kind="synthetic"
    )
    gone = {(entry.noise, entry.correction, entry.method, entry.fold, entry.repeat) for entry in missing}
    places = [(fold, repeat) for repeat in range(repeats) for fold in range(folds)]
    tried = list_trainings(noises, methods, corrections)
    done = [(key, place) for key in tried for place in places if (*key, *place) not in gone]
    dice = build_dice(study, done, folds, has_clean=bool(clean_source), spread=spread)
    complete = {key for key in tried if sum(one == key for one, _ in done) == len(places)}
    relabelled = build_relabelled(
        study, done, complete, label_dice or {}, folds=folds, has_clean=bool(clean_source), spread=spread
    )
    design = RelabelDesign(
        source="truth" if clean_source else "hurried",
        clean_source=clean_source,
        noises=tuple(NoisyLabels(name=noise, source=f"truth-{noise}") for noise in noises),
        methods=tuple(methods),
        folds=folds,
        repeats=repeats,
        watched=tuple(
            build_watched(key[0], key[2], *place, has_clean=bool(clean_source))
            for key, place in done
            if key[1] == "relabel"
        ),
        plain=tuple(
            build_plain(*key[:2], *place, has_clean=bool(clean_source)) for key, place in done if key[1] != "relabel"
        ),
        sources=tuple(build_source(key[0], key[2]) for key in tried if key[1] == "relabel" and key in complete),
        missing=tuple(missing),
    )
    return Inputs(
        evaluation=summarise_relabelling(
            dice, relabelled, study=study, design=design, skills=dict.fromkeys(noises, skill)
        ),
        relabelled=relabelled,
        study=study,
        labels=write_labels(root / "labels", study, noises, methods, has_clean=bool(clean_source)),
        context=build_context(("truth",)).model_copy(update={"pipeline": "relabel"}),
    )


def list_trainings(
    noises: Sequence[str], methods: Sequence[str], corrections: Sequence[str]
) -> list[tuple[str, str, str]]:
    """Noise, correction and method; further methods on the first noise alone."""
    found = [("", "clean", "")] if "clean" in corrections else []
    for place, noise in enumerate(noises):
        found += [(noise, correction, "") for correction in ("none", "reweight") if correction in corrections]
        if "relabel" in corrections:
            found += [(noise, "relabel", method) for method in (methods if place == 0 else methods[:1])]
    return found


def build_dice(study: Study, done: Sequence, folds: int, *, has_clean: bool, spread: float) -> pd.DataFrame:
    """DICE give or take `spread` by case; the gain by relabelling varies as much, in the other direction."""
    steps = np.linspace(-spread, spread, len(study.cases))
    rows = []
    for (noise, correction, method), (fold, repeat) in done:
        clean, noisy = DICE[correction]
        sign = -1 if correction == "relabel" else 1
        for place, (step, case) in enumerate(zip(steps, study.cases, strict=True)):
            if place % folds == fold:
                values = (clean + sign * step if has_clean else np.nan, noisy + step)
                rows.append((noise, correction, method, fold, repeat, case.case_id, case.subject_id, *values))
    return pd.DataFrame(rows, columns=list(DICE_COLUMNS))


def build_relabelled(
    study: Study,
    done: Sequence,
    complete: set,
    label_dice: Mapping[str, tuple[float, float]],
    *,
    folds: int,
    has_clean: bool,
    spread: float,
) -> pd.DataFrame:
    """LABEL_DICE, or what is given for a noise; the last case of each source is left alone."""
    steps = np.linspace(-spread, spread, len(study.cases))
    rows = []
    for (noise, correction, method), (fold, repeat) in done:
        if correction != "relabel":
            continue
        before, after = label_dice.get(noise, LABEL_DICE)
        for place, (step, case) in enumerate(zip(steps, study.cases, strict=True)):
            is_kept = place == len(study.cases) - 1 and place > 0
            pair = (before, before if is_kept else after + step) if has_clean else (np.nan, np.nan)
            keys = (case.case_id, case.subject_id)
            share = 0.75 if is_kept else 0.10
            if (place + 1) % folds == fold:
                rows.append((noise, method, "training", fold, repeat, *keys, *pair, share, is_kept))
            if (noise, correction, method) in complete and fold == repeat == 0:
                rows.append((noise, method, "source", None, None, *keys, *pair, share, is_kept))
    return pd.DataFrame(rows, columns=list(LABEL_COLUMNS))


def build_epochs(values: Sequence[tuple[float, float]], uncertainty: Sequence[float | None], has_clean: bool) -> tuple:
    return tuple(
        WatchedEpoch(
            epoch=place,
            loss=1 / place,
            cumulative_uncertainty=total,
            clean_dice=clean if has_clean else None,
            noisy_dice=noisy,
        )
        for place, ((clean, noisy), total) in enumerate(zip(values, uncertainty, strict=True), start=1)
    )


def build_watched(noise: str, method: str, fold: int, repeat: int = 0, *, has_clean: bool) -> WatchedTraining:
    return WatchedTraining(
        noise=noise,
        method=method,
        fold=fold,
        repeat=repeat,
        rule="uncertainty",
        chosen_epoch=3,
        threshold=0.112 + 0.01 * fold,
        change=f"δ {0.112 + 0.01 * fold:.3f}",
        clean_label_count=0,
        remark="",
        watched=build_epochs(BEFORE, UNCERTAINTY, has_clean),
        continued=build_epochs(AFTER, [None] * len(AFTER), has_clean),
        training_seconds=60.0,
        uncertainty_seconds=30.0,
        estimate_count=120,
    )


def build_plain(noise: str, correction: str, fold: int, repeat: int = 0, *, has_clean: bool) -> PlainTraining:
    return PlainTraining(
        noise=noise,
        correction=correction,
        fold=fold,
        repeat=repeat,
        training_seconds=40.0,
        epochs=build_epochs(BEFORE, [None] * len(BEFORE), has_clean),
    )


def build_source(noise: str, method: str) -> RelabelledSource:
    return RelabelledSource(
        name=f"truth-{noise}-relabelled-{method}",
        noise=noise,
        method=method,
        threshold=0.117,
        change="δ 0.117",
        stopped="",
        kept_case_ids=("c05",),
        digest="66" * 32,
    )


def write_labels(
    root: Path, study: Study, noises: Sequence[str], methods: Sequence[str], *, has_clean: bool
) -> dict[str, LabelSet]:
    """Squares: clean 6 pixels on a side, noisy 9 and more, relabelled 7."""
    sides = {f"noisy:{noise}": 9 + place for place, noise in enumerate(noises)}
    sides |= {f"relabelled:{noise}:{methods[0]}": 7 for noise in noises}
    labels = {"clean": study.labels("truth")} if has_clean else {}
    for name, side in sides.items():
        labels[name] = LabelSet(name, root / name.replace(":", "-"), study.suffix)
        for case_id in study.case_ids:
            mask = build_mask(study.settings.dimensions, size=side)
            write_mask(labels[name].path(case_id), mask, study.read_affine(case_id))
    return labels
