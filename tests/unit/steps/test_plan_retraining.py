"""The trainings of networks whose labels changed."""

from pathlib import Path

import pytest

from overread.errors import InputError
from overread.questions.retrain.records import KeptNetwork, NetworkState, RetrainingChoice, StudyChanges
from overread.questions.retrain.steps import plan_retraining as step
from overread.questions.retrain.steps.plan_retraining import find_job, plan_retraining
from overread.runs.plan import TrainingPlan
from overread.study.splits import is_held_out
from overread.study.study import Study
from tests.retrainings import GrowingStudy
from tests.studies import make_preset, write_squares

HELD_OUT = ("case00", "case09", "case13", "case14", "case15")


@pytest.fixture
def study(tmp_path: Path) -> Study:
    """Sixteen squares, labelled by ann and ben."""
    make_preset(2).write_yaml(tmp_path / "tiny.yaml")
    return write_squares(tmp_path / "study", case_count=16, size=16)


def keep(labels: str, state: NetworkState = "new", *, reference: str = "") -> KeptNetwork:
    sources = tuple(labels.split("+"))
    digests = dict.fromkeys(sources, "11" * 16)
    return KeptNetwork(
        labels=labels,
        sources=sources,
        reference=reference or sources[0],
        model=f"s-{labels}",
        digests=digests,
        reference_digest="11" * 16,
        state=state,
    )


def change(study: Study, *networks: KeptNetwork, revision: str = "a1" * 20, **choice: object) -> StudyChanges:
    values = {"preset": str(study.root.parent / "tiny.yaml"), **choice}
    return StudyChanges(
        study="squares",
        study_uri="nowhere",
        revision=revision,
        recipe="22" * 32,
        choice=RetrainingChoice.parse(values, where="tests"),
        networks=networks,
    )


def plan(study: Study, *networks: KeptNetwork, jobs_per_task: int = 0, **choice: object) -> TrainingPlan:
    return plan_retraining(study, change(study, *networks, **choice), jobs_per_task=jobs_per_task)


class TestJobs:
    def test_are_those_of_networks_whose_labels_changed(self, study: Study) -> None:
        made = plan(study, keep("ann"), keep("ben", "current"), keep("ann+ben", "changed"), keep("ben+ann", "judged"))
        assert [job.sources for job in made.jobs] == [("ann",), ("ann", "ben")]

    def test_hold_out_the_subjects_whose_names_say_so(self, study: Study) -> None:
        made = plan(study, keep("ann"), keep("ben"), keep("ann+ben"))
        for job in made.jobs:
            assert job.test_cases == HELD_OUT
            assert sorted((*job.train_cases, *job.validation_cases, *job.test_cases)) == list(study.case_ids)
        assert all(is_held_out(study.subject_of[case_id]) for case_id in HELD_OUT)

    def test_learn_both_sources_of_a_mix_in_every_case_of_training(self, study: Study) -> None:
        (job,) = plan(study, keep("ann+ben")).jobs
        assert job.added is not None
        assert (job.source, job.added.source, job.added.ratio) == ("ann", "ben", 1.0)
        assert job.added.cases == job.train_cases
        assert job.validation_source == ""

    def test_learn_no_held_out_case_of_the_second_source_and_none_that_it_lacks(self, study: Study) -> None:
        (job,) = plan(study, keep("ann+ben")).jobs
        gone = job.train_cases[0]
        study.labels("ben").path(gone).unlink()
        (job,) = plan(study, keep("ann+ben")).jobs
        assert gone in job.train_cases
        assert job.added is not None
        assert job.added.cases == job.train_cases[1:]

    def test_leave_out_what_a_source_has_not_labelled(self, study: Study) -> None:
        (whole,) = plan(study, keep("ann")).jobs
        for case_id in (whole.train_cases[0], HELD_OUT[0]):
            study.labels("ann").path(case_id).unlink()
        (job,) = plan(study, keep("ann")).jobs
        assert job.train_cases == whole.train_cases[1:]
        assert job.test_cases == HELD_OUT

    def test_are_found_by_their_network(self, study: Study) -> None:
        networks = [keep(labels) for labels in ("ann", "ben", "ann+ben", "ben+ann")]
        made = plan(study, *networks)
        assert len({job.name for job in made.jobs}) == 4
        for network in networks:
            assert find_job(made, network).sources == network.sources

    @pytest.mark.parametrize(("jobs_per_task", "sizes"), [(0, [3]), (1, [1, 1, 1]), (2, [2, 1])])
    def test_are_shared_out_to_tasks(self, study: Study, jobs_per_task: int, sizes: list[int]) -> None:
        made = plan(study, keep("ann"), keep("ben"), keep("ann+ben"), jobs_per_task=jobs_per_task)
        assert [len(batch) for batch in made.batches] == sizes


class TestPlan:
    def test_reads_the_labels_of_all_networks_and_references(self, study: Study) -> None:
        made = plan(study, keep("ann", reference="ben"))
        assert made.sources == ("ann", "ben")
        assert set(made.source_digests) == {"ann", "ben"}
        assert made.pipeline == "retrain"

    def test_takes_the_preset_s_epochs_unless_told_otherwise(self, study: Study) -> None:
        assert plan(study, keep("ann")).preset.training.epochs == 3
        assert plan(study, keep("ann"), epochs=9).preset.training.epochs == 9

    def test_is_named_by_all_that_a_decision_depends_on_and_not_by_how_it_is_shared_out(self, study: Study) -> None:
        champion = keep("ann", "changed").model_copy(update={"champion": 1})
        plans = [
            plan(study, keep("ann")),
            plan(study, keep("ann", reference="ben")),
            plan(study, champion),
            plan(study, champion.model_copy(update={"champion": 2})),
            plan(study, keep("ann"), revision="b2" * 20),
            plan(study, keep("ann"), epochs=9),
            plan(study, keep("ann"), gate={"dice_margin": 0.5}),
            plan(study, keep("ann"), gate={"risk": 0.1}),
        ]
        assert len({made.run_fingerprint for made in plans}) == len(plans)
        assert plan(study, keep("ann"), jobs_per_task=1).run_fingerprint == plans[0].run_fingerprint

    def test_of_a_study_that_grew_holds_out_the_same_cases_and_new_ones(self, study: Study, tmp_path: Path) -> None:
        (before,) = plan(study, keep("ann")).jobs
        grown = write_squares(tmp_path / "grown", case_count=30, size=16)
        (after,) = plan(grown, keep("ann")).jobs
        assert set(before.test_cases) < set(after.test_cases)
        assert not set(before.test_cases) & {*after.train_cases, *after.validation_cases}


class TestRefusal:
    def test_of_a_source_that_has_labelled_nothing_to_learn_from(self, study: Study) -> None:
        for case_id in set(study.case_ids) - set(HELD_OUT):
            study.labels("ben").path(case_id).unlink()
        with pytest.raises(InputError, match=r"labelled training and validation cases .* got 0 and 0; source 'ben'"):
            plan(study, keep("ben"))

    def test_of_a_mix_with_a_source_that_has_labelled_nothing_to_learn_from(self, study: Study) -> None:
        for case_id in set(study.case_ids) - set(HELD_OUT):
            study.labels("ben").path(case_id).unlink()
        with pytest.raises(InputError, match=r"both sources of a mix .* got 0; source 'ben' of 'ann\+ben'"):
            plan(study, keep("ann+ben"))

    def test_of_a_preset_for_other_dimensions(self, study: Study) -> None:
        make_preset(3).write_yaml(study.root.parent / "tiny.yaml")
        with pytest.raises(InputError, match="a preset must fit the study, which has 2 dimensions"):
            plan(study, keep("ann"))

    def test_of_a_study_without_held_out_subjects(self, study: Study) -> None:
        cases = tuple(case for case in study.cases if case.case_id not in HELD_OUT)
        with pytest.raises(InputError, match=r"got 11 cases to learn from and 0 to test on\. Hint: add cases"):
            plan(Study(study.root, study.settings, cases), keep("ann"))


def test_the_step_writes_the_plan_and_opens_the_run_of_the_pipeline(growing: GrowingStudy, tmp_path: Path) -> None:
    from overread.runs.pipeline_run import connect

    changes = growing.look()
    changes.write(tmp_path / "changes.json")
    where = {"plan_file": tmp_path / "new" / "plan.json", "store": growing.store}
    made = step.run(growing.study.root, tmp_path / "changes.json", jobs_per_task=0, **where)
    assert TrainingPlan.read(tmp_path / "new" / "plan.json") == made
    tracker = connect(made, growing.store)
    run = tracker.client.get_run(tracker.find_run(made.run_fingerprint))
    assert run.info.run_name == "retrain"
    assert run.data.tags["dvc_rev"] == changes.revision
    assert "'risk': 0.2" in run.data.params["gate"]
