"""Labels that are repaired by the maps of several folds, and their commit in a real git and DVC repository.

Three folds hold out two of six cases each, so that two folds learn every case. The maps that they leave, written by
hand, are uncertain in three rows of the block that ann outlines:

- in the first row, which the mean of both maps (0.24 and 0.10) puts above the threshold of 0.15,
- in the second row, which the mean (0.24 and 0.02) puts below it although the first map alone would not,
- in the third row, which both are uncertain about (0.24), but which the mean probability (0.9 and 0.3) confirms.
"""

import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from overread.adapters.versioning import commit_study, fetch_study
from overread.inference.uncertainty_maps import UncertaintyMaps, write_uncertainty
from overread.labels.relabel_rules.change import Flip
from overread.labels.relabel_rules.guards import RelabelGuards
from overread.labels.relabel_rules.rule import SettledRule
from overread.labels.variant_record import LabelVariant
from overread.questions.relabel.steps import make_relabelled_sources
from overread.questions.relabel.steps.choice import CorrectionChoice
from overread.questions.relabel.steps.make_relabelled_sources import RelabelledSources
from overread.questions.relabel.steps.plan_corrections import plan_corrections
from overread.runs.label_variants import LabelVariants
from overread.runs.plan import TrainingPlan
from overread.runs.study_copy import Origin
from overread.study.check import check_study
from overread.study.digest import compute_source_digest
from overread.study.schema import Provenance
from overread.study.study import Study
from overread.training.relabel_record import UNCERTAINTY_FOLDER, CaseChange, RelabelRecord
from overread.training.result import TrainingJob, TrainingResult
from overread.training.settings import Relabelling
from overread.types import Mask
from tests.studies import make_preset, write_squares

CONTROL = LabelVariant(name="control", mode="control", target_dice=1, achieved_dice=1)
UNCHANGED = CaseChange(changed_count=0, changed_share=0.0, area_ratio=1.0, refusal="", is_kept=False)
ALEATORIC = ((0.24, 0.24, 0.24), (0.10, 0.02, 0.24))
"""Of the first three rows, in the maps of the first and of the second fold that learn a case."""
PROBABILITY = ((0.3, 0.3, 0.9), (0.3, 0.3, 0.3))


@dataclass(frozen=True)
class Run:
    """What the steps before have left.

    Attributes:
        home: holds the repository `study`, its DVC remote, the fetched study, `plan.json`, `variants.json` and the
            trainings.
        revision: the commit that was fetched.
        made: what the first run of the step returned.
    """

    home: Path
    revision: str
    made: RelabelledSources

    @property
    def plan(self) -> TrainingPlan:
        return TrainingPlan.read(self.home / "plan.json")

    @property
    def copy(self) -> Study:
        """The copy of the study that the first run left."""
        return Study.open(self.home / "first")


def run_git(root: Path, *arguments: str) -> str:
    command = ["git", "-C", str(root), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def read_all(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def list_rows(mask: Mask) -> Sequence[int]:
    return np.flatnonzero(mask.any(axis=1)).tolist()


def remove_rows(mask: Mask, *places: int) -> Mask:
    """The mask without the rows of its block in some places, counted from 0."""
    left = mask.copy()
    left[[list_rows(mask)[place] for place in places]] = False
    return left


def make_maps(mask: Mask, place: int) -> UncertaintyMaps:
    aleatoric = np.full(mask.shape, 0.01, np.float32)
    probability = mask.astype(np.float32)
    for row, uncertainty, mean in zip(list_rows(mask), ALEATORIC[place], PROBABILITY[place], strict=False):
        aleatoric[row], probability[row] = mask[row] * uncertainty, mask[row] * mean
    return UncertaintyMaps(probability, aleatoric, np.zeros_like(aleatoric))


def write_training(folder: Path, study: Study, plan: TrainingPlan, job: TrainingJob, *, digit: str) -> None:
    """What the step reads of a training: its result, its record and its maps."""
    place = folder / job.name
    case_ids = (*job.train_cases, *job.validation_cases)
    for case_id in case_ids:
        folds = [other.fold for other in list_relabelling(plan) if case_id not in other.test_cases]
        maps = make_maps(study.labels("ann").read(case_id), folds.index(job.fold))
        write_uncertainty(place / UNCERTAINTY_FOLDER, case_id, maps, None)
    RelabelRecord(
        rule="uncertainty",
        chosen_epoch=2 + job.fold,
        repair=SettledRule(rule="contradicted", change=Flip(threshold=0.15, which="contradicted")),
        guards=RelabelGuards(),
        stopped="",
        watched=(),
        training_seconds=1.0,
        uncertainty_seconds=1.0,
        estimate_count=len(case_ids),
        cases=dict.fromkeys(case_ids, UNCHANGED),
    ).write(place)
    TrainingResult(
        job=job,
        fingerprint=digit * 63 + str(job.fold),
        epochs=5,
        kept_epoch=5,
        kept_validation_dice=0.5,
        parameter_count=1,
        duration_seconds=1.0,
        voxels_per_second=1.0,
        device="cpu",
    ).write(place)


def repeat_with_certainty(home: Path, revision: str) -> None:
    """Plan every training twice, and write a second repeat that is certain of everything, beside the first."""
    study, plan = Study.open(home / "fetched"), TrainingPlan.read(home / "plan.json")
    variants = LabelVariants.read(home / "variants.json")
    choice = CorrectionChoice(preset=str(home / "tiny.yaml"), repeats=2)
    plan_corrections(study, variants, choice, revision=revision).write(home / "plan.json")
    for job in list_relabelling(plan):
        again = job.model_copy(update={"repeat": 1})
        write_training(home / "trainings", study, plan, again, digit="c")
        for case_id in (*job.train_cases, *job.validation_cases):
            mask = study.labels("ann").read(case_id)
            none = np.zeros(mask.shape, np.float32)
            maps = UncertaintyMaps(mask.astype(np.float32), none, none)
            write_uncertainty(home / "trainings" / again.name / UNCERTAINTY_FOLDER, case_id, maps, None)


def list_relabelling(plan: TrainingPlan) -> list[TrainingJob]:
    return [job for job in plan.jobs if isinstance(job.correction, Relabelling)]


def repair(home: Path, name: str, revision: str, *, trainings: str = "trainings", folds: int = 3) -> RelabelledSources:
    """Run the step with the networks of some folds; copy and review list land in folders that `name` begins."""
    networks = sorted((home / trainings).iterdir())[:folds]
    return make_relabelled_sources.run(
        home / "fetched",
        home / "plan.json",
        home / "variants.json",
        networks,
        output=home / name,
        review=home / f"{name}-review",
        origin=Origin(str(home / "study"), revision),
        store=str(home / "store"),
    )


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    home = tmp_path_factory.mktemp("relabelled")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("DVC_SITE_CACHE_DIR", str(home / "site"))
        environment.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
        write_squares(home / "study")
        revision = commit_study(home / "study", "Import the study")
        run_git(home / "study", "branch", "work")
        fetch_study(str(home / "study"), revision, home / "fetched", sources=["ann"])
        study, variants = Study.open(home / "fetched"), LabelVariants(source="ann", redraw="never", variants=(CONTROL,))
        preset = make_preset(2)
        changed = preset.correction.model_copy(update={"threshold": 0.15})
        preset.model_copy(update={"correction": changed}).write_yaml(home / "tiny.yaml")
        choice = CorrectionChoice(preset=str(home / "tiny.yaml"), repeats=1)
        plan = plan_corrections(study, variants, choice, revision=revision)
        plan.write(home / "plan.json")
        variants.write(home / "variants.json")
        for job in list_relabelling(plan):
            write_training(home / "trainings", study, plan, job, digit="a")
            write_training(home / "other-trainings", study, plan, job, digit="b")
        yield Run(home, revision, repair(home, "first", revision))


@pytest.fixture
def again(first: Run, tmp_path: Path) -> Run:
    """A copy of all that the first run read and left, to run the step once more."""
    shutil.copytree(first.home, tmp_path / "again")
    return Run(tmp_path / "again", first.revision, first.made)


def test_a_case_is_relabelled_by_the_mean_of_the_maps_of_the_folds_that_learnt_it(first):
    (source,) = first.made.sources
    given, new = first.copy.labels("ann"), first.copy.labels(source.name)
    assert new.select_labelled(first.copy.case_ids) == first.copy.case_ids
    for case_id in first.copy.case_ids:
        assert np.array_equal(new.read(case_id), remove_rows(given.read(case_id), 0)), case_id


def test_the_new_source_is_described_for_the_steps_after(first):
    (source,) = first.made.sources
    assert source.name.startswith("ann-relabelled-")
    assert (source.noise, source.method, source.threshold, source.kept_case_ids) == ("as-given", "tta", 0.15, ())
    assert source.digest == compute_source_digest(first.copy, source.name)
    assert first.copy.settings.sources[source.name].kind == "relabelled"
    first.made.write(first.home / "sources.json")
    assert RelabelledSources.read(first.home / "sources.json") == first.made


def test_the_provenance_names_the_trainings_their_epochs_and_the_labels(first):
    (source,) = first.made.sources
    provenance = Provenance.read_yaml(first.copy.provenance_path(source.name))
    trainings = {f"unet-ann-relabel-tta-fold{fold}-repeat0": "a" * 63 + str(fold) for fold in range(3)}
    assert provenance.parents == {**trainings, "ann": compute_source_digest(first.copy, "ann")}
    expected = {"method": "tta", "members": 1, "relabel_after": "uncertainty", "threshold_rule": "given"}
    assert provenance.parameters | expected == provenance.parameters
    assert sorted(provenance.parameters["epochs"]) == [2, 3, 4]
    assert all(case["has_map"] and not case["is_kept"] for case in provenance.cases.values())


def test_a_review_list_lies_in_a_folder_of_the_source(first):
    (source,) = first.made.sources
    review = first.home / "first-review" / source.name
    assert sorted(path.name for path in review.iterdir()) == ["cases.csv", "regions.csv", "review.html"]


def test_the_source_lies_in_one_commit_on_a_branch_of_its_own(first):
    root, (source,) = first.home / "study", first.made.sources
    (branch,) = run_git(root, "branch", "--list", "overread/*", "--format=%(refname:short)").splitlines()
    assert branch.startswith("overread/relabel-")
    assert run_git(root, "rev-parse", branch, f"{branch}^").split() == [first.made.revision, first.revision]
    added = run_git(root, "diff", "--name-only", first.revision, branch).splitlines()
    assert sorted(added) == sorted(
        ["labels/.gitignore", f"labels/{source.name}.dvc", f"labels/{source.name}.provenance.yaml", "study.yaml"]
    )


def test_other_branches_the_working_tree_and_the_fetched_study_stay_as_they_are(first):
    root, (source,) = first.home / "study", first.made.sources
    assert run_git(root, "rev-parse", "main", "work", "HEAD").split() == [first.revision] * 3
    assert run_git(root, "status", "--porcelain") == ""
    for untouched in (root, first.home / "fetched"):
        assert source.name not in Study.open(untouched).settings.sources
        assert not (untouched / "labels" / source.name).exists()
    assert read_all(root / "labels" / "ann") == read_all(first.copy.root / "labels" / "ann")
    assert read_all(root / "labels" / "ann") == read_all(first.home / "fetched" / "labels" / "ann")


def test_the_commit_can_be_fetched_with_the_new_source(first, tmp_path):
    (source,) = first.made.sources
    fetch_study(str(first.home / "study"), first.made.revision, tmp_path / "new", sources=["ann", "ben", source.name])
    check_study(tmp_path / "new")
    assert compute_source_digest(Study.open(tmp_path / "new"), source.name) == source.digest


def test_a_second_run_takes_masks_and_commit_from_the_first(again):
    (source,) = again.made.sources
    for maps in (again.home / "trainings").rglob(UNCERTAINTY_FOLDER):
        shutil.rmtree(maps)
    found = repair(again.home, "second", again.revision)
    assert found == again.made
    assert read_all(again.home / "second") == read_all(again.home / "first")
    assert len(run_git(again.home / "study", "branch", "--list", "overread/*").splitlines()) == 1
    assert run_git(again.home / "study", "rev-list", "--count", "--all") == "2"
    assert (again.home / "second-review" / source.name / "review.html").is_file()


def test_a_case_that_no_fold_learnt_keeps_its_mask_and_says_so(again):
    """Of the three folds the first alone has left a network, so its maps decide: the second row changes sides too."""
    (source,) = repair(again.home, "partial", again.revision, folds=1).sources
    copy, (job, *_) = Study.open(again.home / "partial"), list_relabelling(again.plan)
    cases = Provenance.read_yaml(copy.provenance_path(source.name)).cases
    for case_id in copy.case_ids:
        given, new = copy.labels("ann").read(case_id), copy.labels(source.name).read(case_id)
        if case_id in job.test_cases:
            assert cases[case_id] == {"has_map": False}
            assert np.array_equal(new, given)
        else:
            assert cases[case_id]["has_map"] is True
            assert np.array_equal(new, remove_rows(given, 0, 1))


def test_all_repeats_decide_together(again):
    """The mean of two repeats, 0.17 and 0, lies below the threshold in the first row too."""
    repeat_with_certainty(again.home, again.revision)
    (source,) = repair(again.home, "twice", again.revision, folds=6).sources
    copy = Study.open(again.home / "twice")
    assert len(Provenance.read_yaml(copy.provenance_path(source.name)).parents) == 6 + 1
    for case_id in copy.case_ids:
        assert np.array_equal(copy.labels(source.name).read(case_id), copy.labels("ann").read(case_id)), case_id


def test_other_trainings_give_another_source_beside_an_earlier_one(again):
    """The earlier one was merged into the study, and the new run begins there."""
    root, (earlier,) = again.home / "study", again.made.sources
    found = repair(again.home, "second", again.made.revision, trainings="other-trainings")
    (later,) = found.sources
    assert later.name != earlier.name
    assert later.digest == earlier.digest
    assert run_git(root, "rev-parse", f"{found.revision}^") == again.made.revision
    fetch_study(str(root), found.revision, again.home / "both", sources=[earlier.name, later.name])
    assert set(Study.open(again.home / "both").settings.sources) == {"ann", "ben", earlier.name, later.name}


def test_a_revision_that_holds_the_source_already_gets_no_commit(again):
    found = repair(again.home, "second", again.made.revision)
    assert found == again.made
    assert run_git(again.home / "study", "rev-list", "--count", "--all") == "2"


def test_without_any_network_nothing_is_recorded(again):
    found = repair(again.home, "none", again.revision, folds=0)
    assert found == RelabelledSources(sources=(), revision=again.revision)
    assert read_all(again.home / "none") == read_all(again.home / "fetched")
    assert list((again.home / "none-review").iterdir()) == []
    assert run_git(again.home / "study", "rev-list", "--count", "--all") == "2"
