"""The per-case tables of `relabel`, and all that they depend on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from overread.evaluation.overlap import compute_dice
from overread.evaluation.skill import Skill, average_skills, measure_skill
from overread.questions.relabel.steps.design import CorrectionDesign
from overread.questions.relabel.steps.make_relabelled_sources import RelabelledSources
from overread.runs.plan import name_predictions
from overread.study.digest import compute_folder_digest
from overread.study.label_set import LabelSet
from overread.study.schema import Provenance
from overread.study.study import Study
from overread.training.relabel_record import RelabelRecord, open_relabelled
from overread.training.result import TrainingFailure, TrainingJob, TrainingResult
from overread.types import Mask


@dataclass(frozen=True)
class CorrectionResults:
    """What the steps before have left.

    Attributes:
        design: what the trainings stand for.
        sources: the relabelled sources.
        networks: folder of each training, by the job's name.
        predictions: folder of the held-out predictions.
        failures: trainings that left no network.
    """

    design: CorrectionDesign
    sources: RelabelledSources
    networks: dict[str, Path]
    predictions: Path
    failures: tuple[TrainingFailure, ...]

    @property
    def trained(self) -> list[tuple[TrainingJob, Path]]:
        """The trainings that left a network."""
        return [(job, self.networks[job.name]) for job in self.design.plan.jobs if job.name in self.networks]

    def list_parts(self) -> dict[str, object]:
        """All that an evaluation depends on, as JSON values."""
        return {
            "data": self.design.plan.study_digest,
            "predictions": compute_folder_digest(self.predictions),
            "variants": self.design.variants.model_dump(mode="json"),
            "sources": self.sources.model_dump(mode="json", exclude={"revision"}),
            "trainings": [TrainingResult.read(folder).fingerprint for _, folder in self.trained],
            "failures": [failure.model_dump(mode="json") for failure in self.failures],
            "seed": self.design.plan.seed,
            "matters": self.design.plan.preset.matters.dice,
        }


Row: TypeAlias = tuple[object, ...]


def compare_predictions(study: Study, results: CorrectionResults) -> Iterator[Row]:
    """Every held-out prediction with the clean and the noisy mask of its case, DICE_COLUMNS."""
    design = results.design
    for job, _ in results.trained:
        role, name = design.find_role(job), name_predictions(job)
        predicted = LabelSet(name, results.predictions / name, study.suffix)
        for case_id in predicted.select_labelled(job.test_cases):
            mask = predicted.read(case_id)
            clean = _measure_dice(study, design.clean_source, case_id, mask)
            noisy = None if role.correction == "clean" else compute_dice(study.labels(job.source).read(case_id), mask)
            yield (
                *(role.noise, role.correction, role.method, job.fold, job.repeat),
                *(case_id, study.subject_of[case_id], clean, noisy),
            )


def measure_skills(study: Study, results: CorrectionResults) -> dict[str, Skill]:
    """By noise, how much the networks without correction have learnt, mean over repeats.

    They are compared with the clean masks of their held-out cases, where any of these has one, else with those learnt.
    """
    found: dict[str, list[Skill]] = {}
    jobs_of: dict[tuple[str, str], list[TrainingJob]] = {}
    for job, _ in results.trained:
        role = results.design.find_role(job)
        if role.correction == "none":
            jobs_of.setdefault((role.noise, name_predictions(job)), []).append(job)
    for (noise, name), jobs in jobs_of.items():
        predicted = LabelSet(name, results.predictions / name, study.suffix)
        found.setdefault(noise, []).append(_measure_skill(study, results.design.clean_source, jobs, predicted))
    return {noise: average_skills(skills) for noise, skills in found.items()}


def _measure_skill(study: Study, clean_source: str, jobs: Sequence[TrainingJob], predicted: LabelSet) -> Skill:
    held_out = predicted.select_labelled([case_id for job in jobs for case_id in job.test_cases])
    has_clean = clean_source and study.labels(clean_source).select_labelled(held_out)
    labels = study.labels(clean_source if has_clean else jobs[0].source)
    return measure_skill(labels, predicted, case_ids=held_out, subject_of=study.subject_of)


def compare_training_labels(study: Study, results: CorrectionResults) -> Iterator[Row]:
    """The masks of training cases with which each network went on, LABEL_COLUMNS."""
    clean_source = results.design.clean_source
    for job, folder in results.trained:
        role = results.design.find_role(job)
        if role.correction != "relabel":
            continue
        changes, masks = RelabelRecord.read(folder).cases, open_relabelled(folder, study.suffix)
        for case_id in job.train_cases:
            before = _measure_dice(study, clean_source, case_id, study.labels(job.source).read(case_id))
            after = _measure_dice(study, clean_source, case_id, masks.read(case_id))
            change = changes[case_id]
            yield (
                *(role.noise, role.method, "training", job.fold, job.repeat, case_id, study.subject_of[case_id]),
                *(before, after, change.changed_share, change.is_kept),
            )


def compare_sources(study: Study, results: CorrectionResults) -> Iterator[Row]:
    """The masks of the new sources whose cases have an uncertainty, LABEL_COLUMNS."""
    noisy_of = {labels.name: labels.source for labels in results.design.noises}
    clean_source = results.design.clean_source
    for source in results.sources.sources:
        relabelled, noisy = study.labels(source.name), study.labels(noisy_of[source.noise])
        for case_id, case in Provenance.read_yaml(study.provenance_path(source.name)).cases.items():
            if not case["has_map"]:
                continue
            share = float("inf") if case["changed_share"] is None else case["changed_share"]
            before = _measure_dice(study, clean_source, case_id, noisy.read(case_id))
            after = _measure_dice(study, clean_source, case_id, relabelled.read(case_id))
            yield (
                *(source.noise, source.method, "source", None, None, case_id, study.subject_of[case_id]),
                *(before, after, share, case["is_kept"]),
            )


def _measure_dice(study: Study, source: str, case_id: str, mask: Mask) -> float | None:
    """Dice with a source; None where it has not labelled the case."""
    if not source or not study.labels(source).select_labelled([case_id]):
        return None
    return compute_dice(study.labels(source).read(case_id), mask)
