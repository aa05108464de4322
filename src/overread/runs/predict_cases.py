"""Step: predict every held-out case with the networks that did not see it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from overread.errors import InputError
from overread.runs.best_thresholds import choose_best_thresholds
from overread.runs.fingerprint import name_result
from overread.runs.plan import TrainingPlan, name_best_threshold
from overread.runs.progress import report_progress
from overread.runs.reuse import finish_results
from overread.runs.workers import run_side_by_side
from overread.study.schema import Provenance
from overread.study.study import Study
from overread.training.result import FAILURE_FILE, RESULT_FILE, TrainingFailure, TrainingJob, TrainingResult

_PROGRESS_EVERY = 10


@dataclass(frozen=True)
class _Group:
    """The trainings whose networks write a label set, and their thresholds by name where they are not the preset's."""

    jobs: tuple[TrainingJob, ...]
    threshold_of: Mapping[str, float] = field(default_factory=dict)

    def describe_case(self, job: TrainingJob) -> dict[str, object]:
        """What the provenance says of a case that a training holds out."""
        fold: dict[str, object] = {"fold": job.fold}
        return fold | {"threshold": self.threshold_of[job.name]} if self.threshold_of else fold


@dataclass(frozen=True)
class _Assignment:
    study: Path
    plan: Path
    case_id: str
    networks_of: Mapping[Path, tuple[Path, ...]]
    thresholds: Mapping[Path, float]


def run(
    study_folder: Path, plan_file: Path, networks: Sequence[Path], *, output: Path, store: str, processes: int
) -> None:
    """Write the held-out predictions of the networks as label sets.

    Each case is predicted by the networks of the fold that holds it out: by each repeat for itself and, where the plan
    says so, by all repeats together, whose probabilities are averaged and then thresholded. Where the plan says so,
    each repeat predicts it once more, with the threshold that is best on the validation cases of its training.

    Args:
        study_folder: the study.
        plan_file: the plan whose jobs were trained.
        networks: folders of trainings, in any order; unless the plan tolerates failures, all its jobs must be there.
        output: gets the masks `<prediction>/<case>` and `<prediction>.provenance.yaml`, and the thresholds that were
            chosen, if any, in `best-thresholds`.
        store: where finished predictions are kept.
        processes: cases that are predicted side by side.

    Raises:
        InputError: the network of a job is missing.
    """
    study, plan = Study.open(study_folder), TrainingPlan.read(plan_file)
    trained = _find_networks(plan, networks)
    threshold_of: Mapping[str, float] = {}
    if plan.tries_thresholds:
        threshold_of = choose_best_thresholds(
            study_folder, plan_file, trained, output=output, store=store, processes=processes
        )
    groups = {name: _Group(jobs) for name, jobs in plan.group_predictions(trained.keys()).items()}
    groups |= _group_best(plan, threshold_of)
    key_of = {output / name: _compute_key(plan, group, trained) for name, group in groups.items()}

    def predict(todo: Sequence[Path]) -> None:
        group_of_folder = {folder: groups[folder.name] for folder in todo}
        work = [
            _Assignment(study_folder, plan_file, case_id, networks_of, thresholds)
            for case_id, networks_of, thresholds in _assign(study, group_of_folder, trained)
        ]
        for done, _ in enumerate(run_side_by_side(_predict, work, processes=processes), start=1):
            if done % _PROGRESS_EVERY == 0 or done == len(work):
                report_progress(f"{done} of {len(work)} cases predicted")

    finish_results(store, key_of, predict)
    for name, group in groups.items():
        _write_provenance(output / f"{name}.provenance.yaml", plan, group, trained)


def name_prediction(parts: Mapping[str, object]) -> str:
    """Where the result store keeps the masks that networks predict.

    Args:
        parts: trainings, settings and cases, as JSON values.
    """
    return f"predictions/{name_result('prediction', made_by='overread.inference.ensemble', parts=parts)}"


def list_networks(folders: Sequence[Path]) -> list[Path]:
    """Folders of the trainings in the outputs of several training tasks, in order."""
    return sorted(path.parent for folder in folders for path in folder.glob(f"*/{RESULT_FILE}"))


def list_failures(folders: Sequence[Path]) -> list[TrainingFailure]:
    """The trainings that left no network, in the outputs of several training tasks."""
    return [
        TrainingFailure.read(path.parent) for folder in folders for path in sorted(folder.glob(f"*/{FAILURE_FILE}"))
    ]


def _find_networks(plan: TrainingPlan, networks: Sequence[Path]) -> dict[str, Path]:
    found = {TrainingResult.read(folder).job.name: folder for folder in networks}
    missing = [job.name for job in plan.jobs if job.name not in found]
    if missing and not (plan.tolerates_failures and found):
        raise InputError("every job of the plan must have a trained network", found=f"none of {', '.join(missing)}")
    return found


def _group_best(plan: TrainingPlan, threshold_of: Mapping[str, float]) -> dict[str, _Group]:
    """The jobs of each repeat that predict with thresholds of their own."""
    jobs_of: dict[str, tuple[TrainingJob, ...]] = {}
    for job in plan.jobs:
        if job.name in threshold_of:
            name = name_best_threshold(plan.name_scored(job))
            jobs_of[name] = (*jobs_of.get(name, ()), job)
    return {name: _Group(jobs, threshold_of) for name, jobs in jobs_of.items()}


def _compute_key(plan: TrainingPlan, group: _Group, trained: Mapping[str, Path]) -> str:
    trainings = [TrainingResult.read(trained[job.name]).fingerprint for job in group.jobs]
    parts: dict[str, object] = {"trainings": trainings, "inference": plan.preset.inference.model_dump(mode="json")}
    if group.threshold_of:
        parts["thresholds"] = [group.threshold_of[job.name] for job in group.jobs]
    return name_prediction(parts)


def _assign(
    study: Study, group_of: Mapping[Path, _Group], trained: Mapping[str, Path]
) -> Iterator[tuple[str, dict[Path, tuple[Path, ...]], dict[Path, float]]]:
    """The cases and, by folder that gets a mask, the networks that did not see the case and any threshold of theirs."""
    for case_id in study.case_ids:
        jobs_of = {
            folder: jobs
            for folder, group in group_of.items()
            if (jobs := tuple(job for job in group.jobs if case_id in job.test_cases))
        }
        if jobs_of:
            networks_of = {folder: tuple(trained[job.name] for job in jobs) for folder, jobs in jobs_of.items()}
            thresholds = {
                folder: group_of[folder].threshold_of[jobs[0].name]
                for folder, jobs in jobs_of.items()
                if group_of[folder].threshold_of
            }
            yield case_id, networks_of, thresholds


def _predict(item: _Assignment) -> str:
    from overread.inference.ensemble import write_predicted_masks
    from overread.networks.hardware import limit_threads, select_device

    limit_threads(1)
    write_predicted_masks(
        Study.open(item.study),
        item.case_id,
        item.networks_of,
        settings=TrainingPlan.read(item.plan).preset.inference,
        device=select_device("auto"),
        thresholds=item.thresholds,
    )
    return item.case_id


def _write_provenance(path: Path, plan: TrainingPlan, group: _Group, trained: Mapping[str, Path]) -> None:
    threshold = "best on the validation cases" if group.threshold_of else plan.preset.inference.threshold
    provenance = Provenance(
        operation="predict",
        parents={source: plan.source_digests[source] for job in group.jobs for source in job.sources}
        | {job.name: TrainingResult.read(trained[job.name]).fingerprint for job in group.jobs},
        parameters={"preset": plan.preset_name, "threshold": threshold},
        seed=plan.seed,
        cases={case_id: group.describe_case(job) for job in group.jobs for case_id in job.test_cases},
    )
    provenance.write_yaml(path)
