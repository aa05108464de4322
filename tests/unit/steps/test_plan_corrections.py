"""The plan of `relabel`: per repeat and fold clean labels, and per noise no correction, reweighting and relabelling."""

from collections import Counter
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from overread.errors import InputError, SettingsError
from overread.labels.variant_record import LabelVariant
from overread.questions.relabel.results import NoisyLabels
from overread.questions.relabel.steps.choice import CorrectionChoice
from overread.questions.relabel.steps.design import CorrectionDesign, Role
from overread.questions.relabel.steps.plan_corrections import plan_corrections
from overread.runs.label_variants import LabelVariants
from overread.runs.plan import TrainingPlan
from overread.study.cases import Case, write_cases
from overread.study.schema import Provenance, SourceSettings
from overread.study.study import Study, add_source
from overread.training.result import TrainingJob
from overread.training.settings import CorrectionSettings
from tests.studies import make_preset, write_squares

CONTROL = LabelVariant(name="control", mode="control", target_dice=1, achieved_dice=1)
VARIANTS = tuple(
    LabelVariant(name=name, mode="polygon", target_dice=None, achieved_dice=0.8) for name in ("polygon-3", "polygon-7")
)
NOISY = LabelVariants(source="ann", redraw="never", variants=(CONTROL, *VARIANTS))
AS_THEY_ARE = LabelVariants(source="ben", redraw="never", variants=(CONTROL,))
METHODS = ("tta", "mc_dropout", "ensemble")


@pytest.fixture
def study(tmp_path: Path) -> Study:
    """Six squares of six subjects, labelled by ann, by ben and, perturbed twice, by ann."""
    make_preset(2).write_yaml(tmp_path / "tiny.yaml")
    study = write_squares(tmp_path / "study")
    for variant in VARIANTS:
        masks = [(case_id, study.labels("ann").read(case_id).T, None) for case_id in study.case_ids]
        settings, provenance = SourceSettings(kind="perturbed"), Provenance(operation="perturb")
        add_source(study.root, f"ann-{variant.name}", settings=settings, masks=masks, provenance=provenance)
    return Study.open(study.root)


def plan(study: Study, variants: LabelVariants, **values: Any) -> TrainingPlan:
    choices = {"preset": str(study.root.parent / "tiny.yaml"), "repeats": 1} | values
    choice = CorrectionChoice.parse(choices, where="parameters of relabel")
    return plan_corrections(study, variants, choice, revision="abc")


def write_preset(study: Study, **correction: Any) -> None:
    """Another preset for the study, with something else about corrections."""
    preset = make_preset(2)
    changed = preset.correction.model_copy(update=correction)
    preset.model_copy(update={"correction": changed}).write_yaml(study.root.parent / "tiny.yaml")


def replace_cases(study: Study, *cases: Case) -> Study:
    write_cases(study.root / "cases.csv", cases)
    return Study.open(study.root)


def pair_subjects(study: Study) -> Study:
    """Two cases per subject: case00 and case01 of s0, case02 and case03 of s1, case04 and case05 of s2."""
    return replace_cases(study, *(Case(f"case0{index}", f"s{index // 2}") for index in range(6)))


def list_relabelling(made: TrainingPlan) -> list[TrainingJob]:
    return [job for job in made.jobs if job.correction not in (None, "reweight")]


def test_every_noise_is_learnt_as_it_is_reweighted_and_relabelled_by_the_first_method_in_every_fold(study):
    jobs = plan(study, NOISY, method=METHODS).jobs
    assert Counter(job.labels for job in jobs) == dict.fromkeys(
        (
            "ann",
            *("ann-polygon-3", "ann-polygon-3-reweight", *(f"ann-polygon-3-relabel-{method}" for method in METHODS)),
            *("ann-polygon-7", "ann-polygon-7-reweight", "ann-polygon-7-relabel-tta"),
        ),
        3,
    )
    assert len({job.name for job in jobs}) == len(jobs)
    assert {job.repeat for job in jobs} == {0}


def test_without_clean_labels_there_is_neither_a_clean_network_nor_reweighting(study):
    made = plan(study, AS_THEY_ARE)
    assert Counter(job.labels for job in made.jobs) == {"ben": 3, "ben-relabel-tta": 3}
    assert {job.validation_source for job in made.jobs} == {""}
    assert made.sources == ("ben",)


def test_labels_that_are_repaired_as_they_are_may_have_a_clean_source_beside_them(study):
    made = plan(study, AS_THEY_ARE, clean_source="ann", relabel_after="clean")
    assert Counter(job.labels for job in made.jobs) == {
        "ann": 3,
        "ben": 3,
        "ben-reweight": 3,
        "ben-relabel-tta": 3,
    }
    assert made.sources == ("ann", "ben")
    assert {job.correction.after for job in list_relabelling(made)} == {"clean"}


def test_another_source_than_the_one_that_noise_was_added_to_may_be_clean(study):
    made = plan(study, NOISY, clean_source="ben")
    assert made.sources == ("ben", "ann-polygon-3", "ann-polygon-7")
    assert {job.validation_source for job in made.jobs} == {"ben"}


def test_the_trainings_of_a_fold_share_cases_and_keep_the_last_network(study):
    made = plan(study, NOISY, repeats=2)
    groups: dict[int, set[object]] = {}
    for job in made.jobs:
        shared = (job.train_cases, job.validation_cases, job.test_cases, job.validation_source, job.keep)
        groups.setdefault(job.fold, set()).add(shared)
    assert [len(group) for group in groups.values()] == [1, 1, 1]
    assert {(job.validation_source, job.keep) for job in made.jobs} == {("ann", "last")}


def test_every_way_of_training_is_repeated_in_every_fold_and_every_training_has_a_seed_of_its_own(study):
    made = plan(study, NOISY, seed=4, repeats=3)
    ways = Counter((job.labels, job.fold) for job in made.jobs)
    assert set(ways.values()) == {3}
    assert [job.repeat for job in made.jobs] == sorted(job.repeat for job in made.jobs)
    assert (made.repeats, made.averages_repeats) == (3, False)
    assert len({job.seed for job in made.jobs}) == len({job.name for job in made.jobs}) == len(made.jobs) == 7 * 3 * 3
    assert {job.seed for job in made.jobs}.isdisjoint(job.seed for job in plan(study, NOISY, seed=5, repeats=3).jobs)
    # What is trained in a shorter run is taken from its results.
    assert set(plan(study, NOISY, seed=4, repeats=2).jobs) <= set(made.jobs)
    assert CorrectionChoice(preset="relabel-2d").repeats == 2


def test_every_case_is_held_out_once_and_no_training_reads_it_then(study):
    folds = [job for job in plan(study, NOISY).jobs if job.labels == "ann"]
    assert sorted(case_id for job in folds for case_id in job.test_cases) == list(study.case_ids)
    for job in folds:
        parts = (job.train_cases, job.validation_cases, job.test_cases)
        assert sorted(case_id for part in parts for case_id in part) == list(study.case_ids)


def test_relabelling_follows_the_choice_and_the_preset(study):
    write_preset(study, threshold=0.1)
    of_method = {
        job.correction.uncertainty.method: job.correction
        for job in list_relabelling(plan(study, NOISY, method=METHODS, relabel_after="2"))
    }
    correction = make_preset(2).correction
    assert {method: found.members for method, found in of_method.items()} == {"tta": 1, "mc_dropout": 1, "ensemble": 3}
    for found in of_method.values():
        assert (found.after, found.threshold) == (2, 0.1)
        assert (found.rule, found.guards) == ("contradicted", correction.guards)
        assert found.uncertainty.samples == correction.uncertainty.samples


@pytest.mark.parametrize(
    ("variants", "values", "expected"),
    [
        (NOISY, {}, "edge"),  # ann's own masks are there to judge by, and no repair may look at them.
        (NOISY, {"relabel_after": "clean"}, "clean"),
        (AS_THEY_ARE, {}, "edge"),
        (AS_THEY_ARE, {"clean_source": "ann"}, "clean"),
        (AS_THEY_ARE, {"clean_source": "ann", "relabel_after": "clean:case00+case05"}, "clean"),
    ],
)
def test_clean_labels_choose_the_change_only_where_the_user_says_that_they_may_be_seen(
    study, variants, values, expected
):
    assert {job.correction.rule for job in list_relabelling(plan(study, variants, **values))} == {expected}


def test_a_rule_of_the_preset_is_taken_as_it_is_and_clean_needs_a_clean_source(study):
    write_preset(study, rule="paper")
    found = plan(study, AS_THEY_ARE, clean_source="ann")
    assert {job.correction.rule for job in list_relabelling(found)} == {"paper"}
    write_preset(study, rule="clean")
    assert {job.correction.rule for job in list_relabelling(plan(study, NOISY))} == {"clean"}
    with pytest.raises(SettingsError, match=r"the rule clean needs a clean_source.*take the rule edge"):
        plan(study, AS_THEY_ARE)


@pytest.mark.parametrize("threshold", [0, -0.01, 0.25, float("nan"), float("inf")])
def test_a_threshold_that_is_no_uncertainty_is_refused(threshold):
    with pytest.raises(SettingsError, match=r"^threshold: .*; preset\.$"):
        CorrectionSettings.parse({"threshold": threshold}, where="preset")


def test_without_a_threshold_the_training_maps_choose_it(study):
    assert {job.correction.threshold for job in list_relabelling(plan(study, NOISY))} == {None}


def test_a_network_without_dropout_gets_some_where_uncertainty_is_estimated_by_it(study):
    make_preset(2, dropout=0.0).write_yaml(study.root.parent / "tiny.yaml")
    made = plan(study, NOISY, method=METHODS)
    dropout_of = {job.labels: made.find_preset(job).network.dropout for job in made.jobs}
    assert {labels: dropout for labels, dropout in dropout_of.items() if dropout} == {
        "ann-polygon-3-relabel-mc_dropout": 0.2
    }


def test_validation_cases_are_looked_at_after_every_epoch(study):
    made = plan(study, NOISY, epochs=7)
    assert (made.preset.training.epochs, made.preset.training.validation_every) == (7, 1)


def test_a_study_with_a_split_column_has_one_fold(study):
    parts = ("train", "train", "train", "validation", "test", "test")
    split = replace_cases(
        study,
        *(Case(case_id, case_id, {"split": part}) for case_id, part in zip(study.case_ids, parts, strict=True)),
    )
    made = plan(split, NOISY)
    assert made.folds == 1
    assert Counter(job.labels for job in made.jobs)["ann-polygon-3"] == 1
    found = {(job.fold, job.train_cases, job.validation_cases, job.test_cases) for job in made.jobs}
    assert found == {(0, ("case00", "case01", "case02"), ("case03",), ("case04", "case05"))}


def test_named_clean_cases_whose_subject_a_fold_holds_out_are_left_out_there(study):
    made = plan(pair_subjects(study), NOISY, relabel_after="clean:case00+case03")
    validation_of = {job.test_cases: job.validation_cases for job in made.jobs}
    assert validation_of == {
        ("case00", "case01"): ("case03",),
        ("case02", "case03"): ("case00",),
        ("case04", "case05"): ("case00", "case03"),
    }
    assert not any(set(job.train_cases) & {"case00", "case03"} for job in made.jobs)


def test_a_fold_that_holds_out_every_named_clean_case_is_refused(study):
    message = r"every fold must have cases to train, to validate .*got \d, 0 and 2; source 'ann', fold \d"
    with pytest.raises(InputError, match=message):
        plan(pair_subjects(study), NOISY, relabel_after="clean:case00+case01")


def test_cases_without_noisy_labels_are_neither_learnt_nor_tested_and_without_clean_ones_they_do_not_validate(study):
    whole = plan(study, NOISY).jobs[0]
    for source, case_id in (("ann-polygon-3", whole.train_cases[0]), ("ann-polygon-3", whole.test_cases[0])):
        study.labels(source).path(case_id).unlink()
    job = next(job for job in plan(study, NOISY).jobs if job.fold == whole.fold and job.source == "ann-polygon-3")
    assert (job.train_cases, job.test_cases) == (whole.train_cases[1:], whole.test_cases[1:])
    study.labels("ann").path(whole.validation_cases[0]).unlink()
    with pytest.raises(InputError, match=r"every fold must have cases .*got 3, 0 and 2; source 'ann', fold 0"):
        plan(study, NOISY)


@pytest.mark.parametrize(
    ("variants", "values", "message"),
    [
        (NOISY, {"method": ("guess",)}, r"^method must name different ways .*got 'guess'"),
        (NOISY, {"relabel_after": "soon"}, r"^relabel_after must be uncertainty, .*got 'soon'"),
        (NOISY, {"relabel_after": "4"}, r"^relabel_after must be an epoch of the training, 1 to 3, got 4\."),
        (NOISY, {"relabel_after": "3", "epochs": 2}, r"^relabel_after must be .*, 1 to 2, got 3\."),
        (NOISY, {"relabel_after": "clean:case00+c9+c8"}, r"^relabel_after must name cases of the study, got c9, c8\."),
        (NOISY, {"epochs": -1}, r"^epochs must be 0 .* or more, got -1\."),
        (NOISY, {"epochs": 1}, r"^relabel_after=uncertainty needs two epochs or more, got 1\."),
        (NOISY, {"preset": "none"}, r"^preset must be a known name or the path .*got 'none'"),
        (NOISY, {"clean_source": "zoe"}, r"^clean_source must be a source of the study, got 'zoe'.*known: ann, ben"),
        (AS_THEY_ARE, {"clean_source": "ben"}, r"^clean_source must be another source .*, got 'ben'"),
        (AS_THEY_ARE, {"relabel_after": "clean"}, r"^relabel_after=clean needs a clean_source"),
    ],
)
def test_a_parameter_out_of_range_is_one_message(study, variants, values, message):
    with pytest.raises(SettingsError, match=message):
        plan(study, variants, **values)


def test_the_last_epoch_may_be_named_even_where_it_is_the_only_one(study):
    assert {job.correction.after for job in list_relabelling(plan(study, NOISY, relabel_after="1", epochs=1))} == {1}


def test_a_source_with_fewer_cases_than_folds_is_refused(study):
    for case_id in study.case_ids[2:]:
        study.labels("ann-polygon-7").path(case_id).unlink()
    with pytest.raises(
        InputError, match=r"at least as many cases as there are folds, 3, got 2; source 'ann-polygon-7'"
    ):
        plan(study, NOISY)


def test_the_run_is_named_by_choices_and_labels_but_not_by_the_size_of_tasks(study):
    made = plan(study, NOISY, jobs_per_task=1)
    assert plan(study, NOISY, jobs_per_task=4).run_fingerprint == made.run_fingerprint
    assert plan(study, NOISY, repeats=2).run_fingerprint != made.run_fingerprint
    study.labels("ann-polygon-3").path("case00").write_bytes(study.labels("ann").path("case01").read_bytes())
    assert plan(study, NOISY).run_fingerprint != made.run_fingerprint


def test_a_plan_survives_writing_and_reading(study, tmp_path):
    made = plan(study, NOISY, method=METHODS, jobs_per_task=4)
    made.write(tmp_path / "plan.json")
    assert TrainingPlan.read(tmp_path / "plan.json") == made
    assert [len(batch) for batch in made.batches] == [4, 4, 4, 4, 4, 4, 3]


def test_every_training_stands_for_one_way_of_training(study):
    design = CorrectionDesign(plan(study, NOISY, method=METHODS), NOISY)
    plain = [Role("", "clean", ""), *(Role(*item, "") for item in product(["polygon-3"], ["none", "reweight"]))]
    relabelled = [Role("polygon-3", "relabel", method) for method in METHODS]
    second = [Role("polygon-7", "none", ""), Role("polygon-7", "reweight", ""), Role("polygon-7", "relabel", "tta")]
    assert Counter(map(design.find_role, design.plan.jobs)) == dict.fromkeys([*plain, *relabelled, *second], 3)
    assert (design.clean_source, design.methods) == ("ann", METHODS)
    assert [job.fold for job in design.list_jobs(relabelled[0])] == [0, 1, 2]
    twice = CorrectionDesign(plan(study, NOISY, repeats=2), NOISY)
    assert [(job.repeat, job.fold) for job in twice.list_jobs(relabelled[0])] == list(product([0, 1], [0, 1, 2]))


def test_labels_that_are_repaired_as_they_are_have_a_name_too(study):
    design = CorrectionDesign(plan(study, AS_THEY_ARE), AS_THEY_ARE)
    assert design.noises == (NoisyLabels(name="as-given", source="ben"),)
    assert {design.find_role(job) for job in design.plan.jobs} == {
        Role("as-given", "none", ""),
        Role("as-given", "relabel", "tta"),
    }
    assert design.clean_source == ""
