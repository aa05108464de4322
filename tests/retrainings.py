"""Retraining without a training: a study that grows in git, and finished trainings that hold no weights to speak of.

The git repository holds what `find_changes` reads, settings and DVC files, and the folder `study` what the other steps
read, images and masks. Everything ends in the MLflow that the environment names.
"""

import hashlib
import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from overread.adapters.model_registry import ModelRegistry, connect_registry
from overread.adapters.registry_records import NetworkVersion
from overread.evaluation.results import COMPARISON_COLUMNS
from overread.questions.retrain.gate.figures import GateFigures
from overread.questions.retrain.gate.settings import GateSettings
from overread.questions.retrain.page.gallery import RetrainingGallery
from overread.questions.retrain.records import (
    KeptNetwork,
    NetworkDecision,
    NetworkJudgement,
    RetrainingChoice,
    RetrainingJudgement,
    RetrainingOutcome,
    StudyChanges,
)
from overread.questions.retrain.steps import find_changes, plan_retraining, register_challengers
from overread.questions.retrain.steps.judge_challengers import COMPARISONS_FILE, GALLERY_FILE, JUDGEMENT_FILE
from overread.runs.plan import TrainingPlan
from overread.training.history import HISTORY_FILE, EpochReport, write_history
from overread.training.result import TrainingResult
from tests.studies import make_preset, write_squares
from tests.training_results import make_training_result

CASES = 16
"""Of them, 5 are held out: cases 0, 9, 13, 14 and 15."""
IDENTITY = ("-c", "user.name=Ann", "-c", "user.email=ann@localhost")


class GrowingStudy:
    """A study with the sources ann and ben, and the retrainings of its networks.

    Args:
        folder: gets everything.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.repository, self.store = folder, folder / "repository", str(folder / "store")
        self.study = write_squares(folder / "study", case_count=CASES, size=16)
        self.preset = folder / "preset.yaml"
        make_preset(2, epochs=1).write_yaml(self.preset)
        self._count = 0
        (self.repository / ".dvc").mkdir(parents=True)
        (self.repository / ".dvc" / "config").touch()
        for name in ("study.yaml", "cases.csv"):
            (self.repository / name).write_bytes((self.study.root / name).read_bytes())
        self.git("init", "--quiet", "-b", "main")

    @property
    def registry(self) -> ModelRegistry:
        return connect_registry()

    def git(self, *arguments: str) -> str:
        command = ["git", "-C", str(self.repository), *IDENTITY, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def commit(self, **masks: str) -> str:
        """Record masks of sources, whatever text stands for them, and return the commit."""
        for source, text in masks.items():
            path = self.repository / "labels" / f"{source}.dvc"
            path.parent.mkdir(exist_ok=True)
            path.write_text(f"outs:\n- md5: {name_masks(text)}\n  path: {source}\n", encoding="utf-8")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "-m", "New masks")
        return self.git("rev-parse", "HEAD")

    def look(self, revision: str = "", *, gate: Mapping[str, float] | None = None, **choice: object) -> StudyChanges:
        """Find out what is new; networks of ann alone unless something else is chosen."""
        values = {"sources": ("ann",), "preset": str(self.preset), **choice, "gate": GateSettings(**(gate or {}))}
        chosen = RetrainingChoice.parse(values, where="tests")
        return find_changes.run(
            str(self.repository), revision, chosen, changes_file=self._name("changes"), store=self.store
        )

    def find_states(self, revision: str = "", **choice: object) -> dict[str, str]:
        return {network.labels: network.state for network in self.look(revision, **choice).networks}

    def plan(self, changes: StudyChanges) -> TrainingPlan:
        """Plan without a run of the pipeline in MLflow, which costs a good part of a second."""
        return plan_retraining.plan_retraining(self.study, changes, jobs_per_task=0)

    def finish_trainings(self, changes: StudyChanges, plan: TrainingPlan) -> list[Path]:
        """Folders as trainings leave them; equal labels and settings give equal fingerprints, as those of trainings."""
        return [
            self._finish_training(plan, network, network.digests | {"recipe": changes.recipe})
            for network in changes.to_train
        ]

    def judge(
        self,
        changes: StudyChanges,
        networks: Sequence[Path],
        *,
        reasons: Mapping[str, Sequence[str]] | None = None,
        doubts: Mapping[str, Sequence[str]] | None = None,
    ) -> Path:
        """What `judge_challengers` leaves, where the gate refuses and holds networks for the given reasons alone."""
        folder = self._name("judgement")
        judged = [
            NetworkJudgement(
                network=network,
                fingerprint=TrainingResult.read(trained).fingerprint,
                settings=changes.choice.gate,
                figures=GateFigures(
                    subject_count=5,
                    case_count=5,
                    anchor=network.champion,
                    reasons=tuple((reasons or {}).get(network.labels, ())),
                    doubts=tuple((doubts or {}).get(network.labels, ())),
                ),
                counted_cases=("case00",),
                other_cases=(),
                reference_digests={"case00": "00"},
                dice=(),
            )
            for network, trained in zip(changes.to_train, networks, strict=True)
        ]
        RetrainingJudgement(networks=tuple(judged)).write(folder / JUDGEMENT_FILE)
        (folder / COMPARISONS_FILE).write_text(",".join(COMPARISON_COLUMNS) + "\n", encoding="utf-8")
        RetrainingGallery(pictures=()).write(folder / GALLERY_FILE)
        return folder

    def register(self, changes: StudyChanges, **reasons: Sequence[str]) -> tuple[NetworkDecision, ...]:
        """Plan, finish, judge and register; networks that are named are refused for the given reasons."""
        return self.prepare_registration(changes, **reasons)()

    def prepare_registration(
        self, changes: StudyChanges, *, doubts: Mapping[str, Sequence[str]] | None = None, **reasons: Sequence[str]
    ) -> "Registration":
        """Everything that comes before the registration; `doubts` and `reasons` by what a network learns."""
        plan = self.plan(changes)
        networks = self.finish_trainings(changes, plan)
        judgement = self.judge(changes, networks, reasons=reasons, doubts=doubts)
        return Registration(self, self._write(changes, "changes"), self._write(plan, "plan"), networks, judgement)

    def retrain(self, revision: str = "", *, refuse: str = "", hold: str = "", **choice: object) -> NetworkDecision:
        """Look and register the one network to be trained; `refuse` and `hold` say why the gate stops it."""
        changes = self.look(revision, **choice)
        (network,) = changes.to_train
        doubts = {network.labels: [hold]} if hold else {}
        reasons = {network.labels: [refuse]} if refuse else {}
        (decision,) = self.prepare_registration(changes, doubts=doubts, **reasons)()
        return decision

    def versions(self, labels: str = "ann") -> tuple[NetworkVersion, ...]:
        return self.registry.list_versions(f"blocks-2d-{labels}")

    def champion(self, labels: str = "ann") -> int | None:
        found = self.registry.find_champion(f"blocks-2d-{labels}")
        return None if found is None else found.version

    def _finish_training(self, plan: TrainingPlan, network: KeptNetwork, learnt: Mapping[str, str]) -> Path:
        job, folder = plan_retraining.find_job(plan, network), self._name("network")
        folder.mkdir()
        fingerprint = hashlib.sha256(json.dumps(learnt, sort_keys=True).encode()).hexdigest()
        result = make_training_result(job, fingerprint=fingerprint, epochs=1, kept_validation_dice=0.5)
        result.write(folder)
        write_history(
            folder / HISTORY_FILE,
            [EpochReport(epoch=1, loss=0.5, learning_rate=0.1, seconds=1.0, validation_dice=0.5)],
        )
        (folder / "network.json").write_text("{}", encoding="utf-8")
        (folder / "network.safetensors").write_bytes(result.fingerprint.encode())
        return folder

    def _write(self, record: StudyChanges | TrainingPlan, kind: str) -> Path:
        path = self._name(kind)
        record.write(path)
        return path

    def _name(self, kind: str) -> Path:
        self._count += 1
        return self.folder / f"{kind}{self._count}"


class Registration:
    """A registration that can be run, and run again, with what the steps before it have left."""

    def __init__(
        self, study: GrowingStudy, changes: Path, plan: Path, networks: Sequence[Path], judgement: Path
    ) -> None:
        self.study, self.files, self.networks, self.judgement = study, (changes, plan), networks, judgement

    def __call__(self) -> tuple[NetworkDecision, ...]:
        key = register_challengers.run(*self.files, self.networks, self.judgement, store=self.study.store)
        return self.read(key).decisions

    def read(self, key: str) -> RetrainingOutcome:
        """The outcome that the store keeps."""
        from overread.adapters.storage import open_store

        folder = self.study._name("outcome")
        assert open_store(self.study.store).fetch(key, folder)
        return RetrainingOutcome.read(folder / register_challengers.OUTCOME_FILE)


def name_masks(text: str) -> str:
    """What DVC would record of masks that the text stands for."""
    return f"{hashlib.md5(text.encode()).hexdigest()}.dir"
