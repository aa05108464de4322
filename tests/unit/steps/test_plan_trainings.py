"""The plan: one training per source, fold and repeat, on the same folds for all sources."""

from itertools import product
from pathlib import Path
from typing import Any

import pytest

from overread.errors import InputError, SettingsError
from overread.runs.plan import TrainingPlan
from overread.runs.plan_trainings import PlanSettings, plan_trainings
from overread.runs.train_networks import compute_job_fingerprint
from overread.study.schema import SourceSettings
from overread.study.study import Study
from tests.studies import make_preset, write_cubes, write_squares


@pytest.fixture
def study(tmp_path: Path) -> Study:
    """Six squares, labelled by ann and ben."""
    make_preset(2).write_yaml(tmp_path / "tiny.yaml")
    return write_squares(tmp_path / "study")


def plan(study: Study, **choices: Any) -> TrainingPlan:
    preset = str(study.root.parent / "tiny.yaml")
    settings = PlanSettings(**{"pipeline": "rater-bias", "preset": preset, "folds": 3} | choices)
    return plan_trainings(study, settings, revision="abc")


def hide(study: Study, *names: str) -> Study:
    sources = study.settings.sources | {name: SourceSettings(kind="human", hidden=True) for name in names}
    return Study(study.root, study.settings.model_copy(update={"sources": sources}), study.cases)


class TestJobs:
    def test_there_is_one_per_source_fold_and_repeat(self, study: Study) -> None:
        made = plan(study, repeats=2)
        found = [(job.source, job.fold, job.repeat) for job in made.jobs]
        assert sorted(found) == sorted(product(["ann", "ben"], range(3), range(2)))
        assert len({job.name for job in made.jobs}) == 12

    def test_have_the_same_folds_for_all_sources_and_repeats(self, study: Study) -> None:
        made = plan(study, repeats=2)
        for fold in range(3):
            parts = {(j.train_cases, j.validation_cases, j.test_cases) for j in made.jobs if j.fold == fold}
            assert len(parts) == 1

    def test_hold_out_every_case_once_per_source_and_repeat(self, study: Study) -> None:
        made = plan(study)
        for source in ("ann", "ben"):
            held_out = [case_id for job in made.jobs if job.source == source for case_id in job.test_cases]
            assert sorted(held_out) == list(study.case_ids)

    def test_have_a_seed_each_so_that_no_two_share_their_luck(self, study: Study) -> None:
        made = plan(study, repeats=3, seed=5, mix_ratios=(1.0,))
        assert len({job.seed for job in made.jobs}) == len(made.jobs)

    def test_keep_their_seeds_when_more_are_trained_beside_them(self, study: Study) -> None:
        few, many = plan(study, repeats=1), plan(study, repeats=2, sources=("ben", "ann"))
        assert {(job.name, job.seed) for job in few.jobs} < {(job.name, job.seed) for job in many.jobs}
        assert not {job.seed for job in few.jobs} & {job.seed for job in plan(study, seed=1).jobs}

    def test_leave_out_what_a_source_has_not_labelled_but_still_predict_it(self, study: Study) -> None:
        validates = {case_id for job in plan(study).jobs for case_id in job.validation_cases}
        gap = next(case_id for case_id in study.case_ids if case_id not in validates)
        study.labels("ben").path(gap).unlink()
        made = plan(study)
        for job in made.jobs:
            expected = set(study.case_ids) - set(job.test_cases) - ({gap} if job.source == "ben" else set())
            assert {*job.train_cases, *job.validation_cases} == expected
        assert [job.source for job in made.jobs if gap in job.test_cases] == ["ann", "ben"]

    @pytest.mark.parametrize(("jobs_per_task", "sizes"), [(1, [1] * 6), (4, [4, 2]), (6, [6]), (99, [6]), (0, [6])])
    def test_are_shared_out_to_tasks(self, study: Study, jobs_per_task: int, sizes: list[int]) -> None:
        made = plan(study, jobs_per_task=jobs_per_task)
        assert [len(batch) for batch in made.batches] == sizes
        assert [name for batch in made.batches for name in batch] == [job.name for job in made.jobs]


class TestPlan:
    def test_reads_back_as_it_was_written(self, study: Study, tmp_path: Path) -> None:
        made = plan(study)
        made.write(tmp_path / "new" / "plan.json")
        assert TrainingPlan.read(tmp_path / "new" / "plan.json") == made

    def test_takes_all_sources_that_are_not_hidden(self, study: Study) -> None:
        assert plan(study).sources == ("ann", "ben")
        assert plan(hide(study, "ben")).sources == ("ann",)
        assert plan(hide(study, "ben"), sources=("ben",)).sources == ("ben",)

    def test_takes_the_preset_s_epochs_unless_told_otherwise(self, study: Study) -> None:
        assert plan(study).preset.training.epochs == make_preset(2).training.epochs
        assert plan(study, epochs=40).preset.training.epochs == 40

    def test_is_named_by_its_choices_not_by_how_it_is_shared_out(self, study: Study) -> None:
        name = plan(study).run_fingerprint
        assert plan(study, jobs_per_task=3).run_fingerprint == name
        assert plan(study, sources=("ann", "ben")).run_fingerprint == name
        for choice in ({"seed": 1}, {"folds": 2}, {"repeats": 2}, {"sources": ("ann",)}, {"epochs": 9}):
            assert plan(study, **choice).run_fingerprint != name


class TestRefusal:
    @pytest.mark.parametrize(
        ("choices", "message"),
        [
            ({"sources": ("ann", "bob")}, r"a source must be one of the study, got 'bob'\. Hint: known: ann, ben"),
            ({"sources": ("ann", "ann")}, r"a source must be named once, got 'ann'\."),
            ({"folds": 7}, r"at least as many cases as there are folds, 7, got 6; source 'ann'\. Hint: use fewer"),
            ({"folds": 1}, r"folds must lie between 2 and the number of subjects, 6, got 1"),
            ({"repeats": 0}, r"repeats must be 1 or more, got 0\."),
            ({"epochs": -1}, r"epochs must be 0 \(the preset's\) or more, got -1\."),
            ({"mix_ratios": (2.0,)}, r"mix_ratios must be different shares, above 0 and at most 1, got \[2\.0\]"),
            ({"seed": -1}, r"seed must be 0 or more, got -1\."),
            ({"jobs_per_task": -1}, r"jobs_per_task must be 0 \(all in one task\) or more, got -1\."),
            ({"preset": "demo"}, r"must fit the study, which has 2 dimensions, got 'demo' with patches of 3\."),
            ({"preset": "nothing"}, r"preset must be a known name or the path of a \.yaml file, got 'nothing'"),
        ],
    )
    def test_names_the_choice_that_does_not_hold(self, study: Study, choices: dict[str, Any], message: str) -> None:
        with pytest.raises(InputError, match=message):
            plan(study, **choices)

    def test_of_a_2d_preset_on_a_3d_study(self, study: Study, tmp_path: Path) -> None:
        cubes = write_cubes(tmp_path / "cubes", case_count=4)
        with pytest.raises(InputError, match=r"which has 3 dimensions, got '.*tiny\.yaml' with patches of 2"):
            plan(cubes, folds=2)

    def test_of_a_source_that_labelled_fewer_cases_than_there_are_folds(self, study: Study) -> None:
        for case_id in study.case_ids[:4]:
            study.labels("ben").path(case_id).unlink()
        with pytest.raises(
            InputError, match=r"as there are folds, 3, got 2; source 'ben'\. Hint: .* leave the source out"
        ):
            plan(study)
        assert plan(study, sources=("ann",)).sources == ("ann",)

    def test_of_a_source_that_leaves_a_fold_without_training_cases(self, study: Study) -> None:
        held_out = next(job for job in plan(study, folds=2).jobs if job.fold == 1).test_cases
        for case_id in set(study.case_ids) - set(held_out):
            study.labels("ben").path(case_id).unlink()
        message = r"must have labelled training and validation cases in every fold, got 0 and 0; source 'ben', fold 1"
        with pytest.raises(InputError, match=message):
            plan(study, folds=2)

    def test_of_a_study_whose_sources_are_all_hidden(self, study: Study) -> None:
        with pytest.raises(InputError, match="at least one source that is neither hidden nor derived"):
            plan(hide(study, "ann", "ben"))

    def test_of_a_broken_preset_file(self, study: Study, tmp_path: Path) -> None:
        (tmp_path / "broken.yaml").write_text("description: d\nnetwork: {layers: 3}\n", encoding="utf-8")
        with pytest.raises(
            SettingsError, match=r"network\.layers is not known .*training must be given; .*broken\.yaml"
        ):
            plan(study, preset=str(tmp_path / "broken.yaml"))


class TestFingerprintOfATraining:
    def test_depends_on_its_own_labels_only(self, study: Study) -> None:
        before = name_trainings(plan(study))
        changed = study.labels("ben").path("case00")
        changed.write_bytes(study.labels("ben").path("case01").read_bytes())
        after = name_trainings(plan(study))
        assert {name for name in before if before[name] != after[name]} == {name for name in before if "ben" in name}

    def test_depends_on_all_images(self, study: Study) -> None:
        before = name_trainings(plan(study))
        changed = study.image_path("case00", "grey")
        changed.write_bytes(study.image_path("case01", "grey").read_bytes())
        assert not set(before.values()) & set(name_trainings(plan(study)).values())

    def test_depends_on_the_settings_of_the_training_but_not_on_those_of_the_report(self, study: Study) -> None:
        made = plan(study)
        job, preset = made.jobs[0], made.preset
        name = compute_job_fingerprint("d", preset, job)
        longer = preset.training.model_copy(update={"epochs": 9})
        assert compute_job_fingerprint("d", preset.model_copy(update={"training": longer}), job) != name
        assert compute_job_fingerprint("d", preset.model_copy(update={"surface_tolerance": 9.0}), job) == name
        assert compute_job_fingerprint("d", preset, job.model_copy(update={"seed": 9})) != name


def name_trainings(made: TrainingPlan) -> dict[str, str]:
    names = (compute_job_fingerprint(made.compute_data_digest(job), made.preset, job) for job in made.jobs)
    return dict(zip((job.name for job in made.jobs), names, strict=True))
