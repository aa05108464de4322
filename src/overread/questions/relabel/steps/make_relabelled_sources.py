"""Step: repair labels by what the networks of all folds say, and record the new sources on a branch of the study."""

import hashlib
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from pydantic import TypeAdapter

from overread.adapters.source_branch import commit_sources_on_branch
from overread.adapters.storage import open_store
from overread.adapters.telemetry import MetricGroup, push_metrics
from overread.inference.uncertainty_maps import UncertaintyMaps, average_maps, read_uncertainty
from overread.labels.relabel_rules.change import Change
from overread.questions.relabel.results import NoisyLabels, RelabelledSource
from overread.questions.relabel.steps.design import CorrectionDesign, Role
from overread.questions.relabel.steps.relabel_source import (
    OPERATION,
    add_relabelled_source,
    make_relabelled_source,
)
from overread.questions.relabel.steps.relabelled_folder import RelabelledFolder
from overread.questions.relabel.steps.settled_change import RelabelChoice
from overread.records import Result
from overread.runs.fingerprint import name_choice, name_result
from overread.runs.label_variants import LabelVariants
from overread.runs.map_collection import MapCollection
from overread.runs.plan import TrainingPlan
from overread.runs.progress import report_progress
from overread.runs.report_publishing import build_context
from overread.runs.reuse import finish_result
from overread.runs.study_copy import Origin, copy_study
from overread.study.digest import compute_source_digest
from overread.study.schema import Provenance
from overread.study.study import Study
from overread.training.relabel_record import UNCERTAINTY_FOLDER, RelabelRecord
from overread.training.result import TrainingResult
from overread.training.settings import Relabelling


def tell_relabelling(plan: TrainingPlan, sources: Iterable[Provenance], *, store: str) -> None:
    """Tell how much of each source relabelling changed.

    Args:
        plan: the plan.
        sources: how the new sources were made; the metrics bear the name of the source that each was made from, for
            that of the new one changes with every training.
        store: address of the result store.
    """
    for provenance in sources:
        source = str(provenance.parameters["source"])
        labels = {"pipeline": plan.pipeline, "study": plan.study, "source": source}
        push_metrics(open_store(store), MetricGroup("relabelling", labels), collect_relabelling_metrics(provenance))


def collect_relabelling_metrics(provenance: Provenance) -> dict[str, float]:
    """Cases and voxels that relabelling changed; a case that was left alone has changed nothing."""
    changes = [case["changed_count"] for case in provenance.cases.values() if case["has_map"] and not case["is_kept"]]
    return {
        "overread_relabelling_changed_cases": sum(1 for count in changes if count),
        "overread_relabelling_changed_voxels": sum(changes),
    }


_CHANGE: TypeAdapter[Change] = TypeAdapter(Change)
_BRANCH = "overread/relabel-"


class RelabelledSources(Result):
    """What the step leaves for those after it.

    Attributes:
        sources: the new sources.
        revision: commit of the study that holds them.
    """

    INDENT: ClassVar[int] = 2

    sources: tuple[RelabelledSource, ...]
    revision: str


@dataclass(frozen=True)
class Repair:
    """One label set to repair, and the trainings that learnt it.

    Attributes:
        labels: what is repaired.
        correction: how its trainings relabelled their own masks.
        trained: folder of each training, by the job's name.
        clean_source: what counts as clean; empty where nothing does.
    """

    labels: NoisyLabels
    correction: Relabelling
    trained: Mapping[str, Path]
    clean_source: str = ""

    @property
    def choice(self) -> RelabelChoice:
        """Rule and limits, and the clean cases that the trainings looked at."""
        return RelabelChoice(
            rule=self.correction.rule,
            threshold=self.correction.threshold,
            guards=self.correction.guards,
            clean_source=self.clean_source if self._clean_cases else "",
            clean_cases=self._clean_cases,
        )

    @property
    def _clean_cases(self) -> tuple[str, ...]:
        """The cases whose clean labels chose the change of any training."""
        if self.correction.rule != "clean":
            return ()
        records = [RelabelRecord.read(folder) for folder in self.trained.values()]
        return tuple(sorted({case_id for record in records for case_id in record.repair.clean_case_ids}))

    @property
    def fingerprints(self) -> dict[str, str]:
        """What names each training, by the job's name."""
        return {name: TrainingResult.read(folder).fingerprint for name, folder in self.trained.items()}

    @property
    def key(self) -> str:
        """Where the result store keeps the new source."""
        made_by = make_relabelled_source.__module__
        return f"relabelled/{name_result('relabelled-source', made_by=made_by, parts=self._parts)}"

    @property
    def name(self) -> str:
        """Name of the new source; other trainings give another, so that it is free in a study that has earlier ones."""
        return f"{self.labels.source}-relabelled-{name_choice(OPERATION, self._parts)[:6]}"

    @property
    def _parts(self) -> dict[str, object]:
        return {
            "labels": self.labels.source,
            "trainings": self.fingerprints,
            "choice": self.choice.model_dump(mode="json"),
        }


def run(
    study_folder: Path,
    plan_file: Path,
    variants_file: Path,
    networks: Sequence[Path],
    *,
    output: Path,
    review: Path,
    origin: Origin,
    store: str,
) -> RelabelledSources:
    """Write a copy of the study that holds the relabelled sources too, and record them.

    A case is relabelled by the mean probability and uncertainty of the networks of the main method that did not hold it
    out, of all folds and repeats, at the moment at which each of them relabelled its own masks. A case that every fold
    holds out keeps its mask.

    Args:
        study_folder: the study with the labels to repair.
        plan_file: the plan.
        variants_file: the labels to repair.
        networks: folders of the trainings.
        output: folder of the copy.
        review: gets a folder with the review list of each new source.
        origin: where the study comes from; its revision holds the labels to repair.
        store: address of the result store.

    Raises:
        VersioningError: the study's repository or its remote cannot be written.
    """
    plan = TrainingPlan.read(plan_file)
    design, study = CorrectionDesign(plan, LabelVariants.read(variants_file)), Study.open(study_folder)
    copy_study(study_folder, output)
    review.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="overread-relabelled-") as scratch:
        made = {
            repair.labels.name: _make(study, plan, repair, Path(scratch) / repair.name, store)
            for repair in _list_repairs(design, networks)
        }
        for folder in made.values():
            add_relabelled_source(output, folder)
            shutil.copytree(folder.review_folder, review / folder.name)
        copy = Study.open(output)
        revision = _record(list(made.values()), copy, origin)
        tell_relabelling(plan, [folder.read_provenance() for folder in made.values()], store=store)
        described = tuple(_describe(noise, design.methods[0], folder, copy) for noise, folder in made.items())
    return RelabelledSources(sources=described, revision=revision)


def _list_repairs(design: CorrectionDesign, networks: Sequence[Path]) -> list[Repair]:
    """Every noise of which a network of the main method is left."""
    folder_of = {TrainingResult.read(folder).job.name: folder for folder in networks}
    repairs = []
    for labels in design.noises:
        jobs = design.list_jobs(Role(labels.name, "relabel", design.methods[0]))
        trained = {job.name: folder_of[job.name] for job in jobs if job.name in folder_of}
        if trained and isinstance(jobs[0].correction, Relabelling):
            repairs.append(Repair(labels, jobs[0].correction, trained, design.clean_source))
    return repairs


def _make(study: Study, plan: TrainingPlan, repair: Repair, folder: Path, store: str) -> RelabelledFolder:
    """Make a relabelled source in a folder, or take it from the store."""

    def compute() -> None:
        make_relabelled_source(
            study,
            repair.labels.source,
            _collect_maps(study, repair),
            name=repair.name,
            choice=repair.choice,
            output=folder,
            context=build_context(plan, ""),
        )

    finish_result(store, repair.key, folder, compute)
    return RelabelledFolder(folder, repair.name)


def _collect_maps(study: Study, repair: Repair) -> MapCollection:
    records = {path: RelabelRecord.read(path) for path in repair.trained.values()}
    cases = {case_id for record in records.values() for case_id in record.cases}

    def read(case_id: str) -> UncertaintyMaps:
        held = [path for path, record in records.items() if case_id in record.cases]
        return average_maps(read_uncertainty(path / UNCERTAINTY_FOLDER, case_id, study.suffix) for path in held)

    return MapCollection(
        read=read,
        case_ids=tuple(case_id for case_id in study.case_ids if case_id in cases),
        parents=repair.fingerprints,
        parameters={
            **repair.correction.uncertainty.model_dump(mode="json"),
            "members": repair.correction.members,
            "relabel_after": repair.correction.after,
            "epochs": [record.chosen_epoch for record in records.values()],
        },
    )


def _describe(noise: str, method: str, folder: RelabelledFolder, copy: Study) -> RelabelledSource:
    provenance = folder.read_provenance()
    kept = tuple(case_id for case_id, case in provenance.cases.items() if case.get("is_kept"))
    threshold = provenance.parameters["threshold"]
    change = _CHANGE.validate_python(provenance.parameters["change"]).describe()
    report_progress(f"{folder.name}: {change}, {len(kept)} cases left alone")
    return RelabelledSource(
        name=folder.name,
        noise=noise,
        method=method,
        threshold=threshold,
        change=change,
        stopped=provenance.parameters["stopped"],
        kept_case_ids=kept,
        digest=compute_source_digest(copy, folder.name),
    )


def _record(made: Sequence[RelabelledFolder], copy: Study, origin: Origin) -> str:
    """Commit the new sources on top of the revision; returns the commit."""
    if not made:
        return origin.revision
    digests = [f"{folder.name} {compute_source_digest(copy, folder.name)}" for folder in made]
    name = hashlib.sha256("\n".join([origin.revision, *sorted(digests)]).encode()).hexdigest()

    def add(root: Path) -> list[str]:
        return [folder.name for folder in made if add_relabelled_source(root, folder)]

    message = f"Add {', '.join(folder.name for folder in made)}"
    return commit_sources_on_branch(
        origin.study_uri, origin.revision, f"{_BRANCH}{name[:12]}", add=add, message=message
    )
