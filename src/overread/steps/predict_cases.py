"""Step: predict every held-out case with the networks that did not see it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from overread.adapters.storage import open_store
from overread.errors import InputError
from overread.evaluation.results import name_network
from overread.steps.fingerprint import compute_fingerprint
from overread.steps.plan import TrainingPlan
from overread.steps.progress import report_progress
from overread.steps.reuse import reuse_result
from overread.steps.workers import run_side_by_side
from overread.study.label_set import LabelSet
from overread.study.rasters import write_mask
from overread.study.schema import Provenance
from overread.study.study import Study
from overread.training.result import RESULT_FILE, TrainingResult

_PACKAGES = ("study", "networks", "inference")


@dataclass(frozen=True)
class _Assignment:
    study: Path
    plan: Path
    networks: tuple[Path, ...]
    case_id: str
    folder: Path


def run(
    study_folder: Path, plan_file: Path, networks: Sequence[Path], *, output: Path, store: str, processes: int
) -> Mapping[str, LabelSet]:
    """Write one label set per source: the held-out predictions of its networks.

    The probabilities of the repeats of a fold are averaged, then thresholded.

    Args:
        study_folder: the study.
        plan_file: the plan whose jobs were trained.
        networks: folders of trainings, in any order; all jobs of the plan must be among them.
        output: gets `network-<source>/<case>` masks and `network-<source>.provenance.yaml`.
        store: where finished predictions are kept.
        processes: cases that are predicted side by side.

    Raises:
        InputError: the network of a job is missing.
    """
    study, plan = Study.open(study_folder), TrainingPlan.read(plan_file)
    folder_of = _find_networks(plan, networks)
    key_of = {source: _compute_key(plan, source, folder_of) for source in plan.sources}
    todo = [
        source
        for source, key in key_of.items()
        if not reuse_result(open_store(store), key, output / name_network(source))
    ]
    work = [
        item for source in todo for item in _assign(study, study_folder, plan_file, plan, source, folder_of, output)
    ]
    for done, _ in enumerate(run_side_by_side(_predict, work, processes=processes), start=1):
        if done % 10 == 0 or done == len(work):
            report_progress(f"{done} of {len(work)} predictions")
    for source in todo:
        open_store(store).publish(key_of[source], output / name_network(source))
    for source in plan.sources:
        _write_provenance(output, plan, source, folder_of)
    return open_predictions(output, study, plan.sources)


def open_predictions(folder: Path, study: Study, sources: Sequence[str]) -> Mapping[str, LabelSet]:
    """The label sets that `run` wrote, by source."""
    return {source: LabelSet(name_network(source), folder / name_network(source), study.suffix) for source in sources}


def list_networks(folders: Sequence[Path]) -> list[Path]:
    """Folders of the trainings in the outputs of several training tasks, in order."""
    return sorted(path.parent for folder in folders for path in folder.glob(f"*/{RESULT_FILE}"))


def _find_networks(plan: TrainingPlan, networks: Sequence[Path]) -> Mapping[str, Path]:
    found = {TrainingResult.read(folder).job.name: folder for folder in networks}
    if missing := [job.name for job in plan.jobs if job.name not in found]:
        raise InputError("every job of the plan must have a trained network", found=f"none of {', '.join(missing)}")
    return found


def _compute_key(plan: TrainingPlan, source: str, folder_of: Mapping[str, Path]) -> str:
    trainings = [TrainingResult.read(folder_of[job.name]).fingerprint for job in plan.jobs if job.source == source]
    parts = {"trainings": trainings, "inference": plan.preset.inference.model_dump(mode="json")}
    return f"predictions/{compute_fingerprint('prediction', packages=_PACKAGES, parts=parts)}"


def _assign(
    study: Study,
    study_folder: Path,
    plan_file: Path,
    plan: TrainingPlan,
    source: str,
    folder_of: Mapping[str, Path],
    output: Path,
) -> Iterator[_Assignment]:
    for case_id in study.case_ids:
        holding_out = [job for job in plan.jobs if job.source == source and case_id in job.test_cases]
        if holding_out:
            folders = tuple(folder_of[job.name] for job in holding_out)
            yield _Assignment(study_folder, plan_file, folders, case_id, output / name_network(source))


def _predict(item: _Assignment) -> str:
    from overread.inference.ensemble import predict_case
    from overread.training.hardware import limit_threads, select_device

    limit_threads(1)
    study, settings = Study.open(item.study), TrainingPlan.read(item.plan).preset.inference
    probability = predict_case(study, item.case_id, item.networks, settings=settings, device=select_device("auto"))
    path = LabelSet("", item.folder, study.suffix).path(item.case_id)
    write_mask(path, probability > settings.threshold, study.read_affine(item.case_id))
    return item.case_id


def _write_provenance(output: Path, plan: TrainingPlan, source: str, folder_of: Mapping[str, Path]) -> None:
    jobs = [job for job in plan.jobs if job.source == source]
    provenance = Provenance(
        operation="predict",
        parents={source: plan.source_digests[source]}
        | {job.name: TrainingResult.read(folder_of[job.name]).fingerprint for job in jobs},
        parameters={"preset": plan.preset_name, "threshold": plan.preset.inference.threshold},
        seed=plan.seed,
        cases={case_id: {"fold": job.fold} for job in jobs for case_id in job.test_cases},
    )
    provenance.write_yaml(output / f"{name_network(source)}.provenance.yaml")
