"""The plan of `label-noise`: one training per network, variant, fold and repeat, judged by clean labels."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from overread.errors import InputError, SettingsError
from overread.evaluation.design import foresee_loss
from overread.labels.settings import PerturbationSettings
from overread.labels.variant_record import LabelVariant
from overread.questions.label_noise.steps.plan_noise_trainings import (
    NoisePlanSettings,
    foretell,
    plan_noise_trainings,
)
from overread.runs.label_variants import LabelVariants, parse_redraw, parse_variants
from overread.runs.plan import TrainingPlan
from overread.study.schema import Provenance, SourceSettings
from overread.study.study import Study, add_source
from overread.training.result import RedrawnLabels
from tests.studies import make_preset, write_squares

CONTROL = LabelVariant(name="control", mode="control", target_dice=1, achieved_dice=1)
CHOPPY = LabelVariant(name="choppy-0.90", mode="choppy", target_dice=0.9, achieved_dice=0.9)


@pytest.fixture
def study(tmp_path: Path) -> Study:
    """Six squares, labelled by ann and, perturbed, by ann-choppy-0.90."""
    make_preset(2).write_yaml(tmp_path / "tiny.yaml")
    root = write_squares(tmp_path / "study").root
    labels = Study.open(root).labels("ann")
    masks = [(case_id, labels.read(case_id).T, None) for case_id in Study.open(root).case_ids]
    provenance = Provenance(operation="perturb")
    add_source(root, "ann-choppy-0.90", settings=SourceSettings(kind="perturbed"), masks=masks, provenance=provenance)
    return Study.open(root)


@pytest.fixture
def fixed() -> LabelVariants:
    return LabelVariants(source="ann", redraw="never", variants=(CONTROL, CHOPPY))


@pytest.fixture
def redrawn() -> LabelVariants:
    perturbation = PerturbationSettings(mode="choppy", strength=1.5)
    labels = RedrawnLabels(variant="choppy-0.90", perturbation=perturbation)
    return LabelVariants(source="ann", redraw="every_epoch", variants=(CONTROL, CHOPPY), redrawn=(labels,))


def plan(study: Study, variants: LabelVariants, **choices: Any) -> TrainingPlan:
    preset = str(study.root.parent / "tiny.yaml")
    settings = NoisePlanSettings(**{"networks": ("unet", "segnet"), "preset": preset, "folds": 3} | choices)
    return plan_noise_trainings(study, variants, settings, revision="abc")


def test_there_is_one_training_per_network_variant_fold_and_repeat(study, fixed):
    jobs = plan(study, fixed, repeats=2).jobs
    assert Counter((job.network, job.source) for job in jobs) == {
        (network, source): 6 for network in ("unet", "segnet") for source in ("ann", "ann-choppy-0.90")
    }
    assert len({job.name for job in jobs}) == 24


def test_validation_and_held_out_cases_are_judged_by_clean_labels(study, fixed):
    for job in plan(study, fixed).jobs:
        assert job.validation_source == "ann"
        assert not set(job.test_cases) & {*job.train_cases, *job.validation_cases}


def test_trainings_of_a_fold_share_its_cases_and_none_shares_a_seed(study, fixed):
    jobs = plan(study, fixed, repeats=2).jobs
    groups = {}
    for job in jobs:
        groups.setdefault(job.fold, set()).add((job.train_cases, job.validation_cases))
    assert all(len(group) == 1 for group in groups.values())
    assert len({job.seed for job in jobs}) == len(jobs) == 24


def test_two_repeats_are_the_default(study, fixed):
    assert plan(study, fixed).repeats == 2


def test_what_the_trainings_can_find_is_foretold(study, fixed):
    found = foresee_loss(6, folds=3, repeats=2, conditions=4).smallest_detectable
    assert foretell(study, plan(study, fixed)) == (
        f"24 trainings of 4 networks × labels: a loss of about {found:.3f} Dice is found by three of four such studies"
    )


@pytest.mark.parametrize(
    ("choices", "advice"),
    [
        ({"repeats": 1, "folds": 2}, "set repeats to 2 or more, and train 4 networks × labels or more"),
        ({"folds": 6}, "set folds to 5 or fewer"),
    ],
)
def test_a_design_without_a_valid_interval_is_foretold_with_what_it_lacks(study, fixed, choices, advice):
    assert foretell(study, plan(study, fixed, **choices)).endswith(f"allow no valid interval, so no verdict: {advice}")


def test_redrawn_labels_are_learnt_from_the_clean_source_with_their_perturbation(study, redrawn):
    jobs = plan(study, redrawn).jobs
    assert {job.source for job in jobs} == {"ann"}
    assert {(job.labels, job.redrawn is None) for job in jobs} == {("ann", True), ("ann-choppy-0.90", False)}
    assert len({job.name for job in jobs}) == len(jobs)


def test_a_training_reads_its_labels_and_the_clean_ones(study, fixed):
    made = plan(study, fixed)
    digest_of = {job.source: made.compute_data_digest(job) for job in made.jobs}
    assert digest_of["ann"] != digest_of["ann-choppy-0.90"]


def test_a_failed_training_leaves_the_others_their_predictions(study, fixed):
    made = plan(study, fixed, folds=2, repeats=1)
    missing = made.jobs[0]
    groups = made.group_predictions({job.name for job in made.jobs if job != missing})
    assert sorted(groups) == [
        "segnet-ann-choppy-0.90-repeat0",
        "segnet-ann-repeat0",
        "unet-ann-choppy-0.90-repeat0",
        "unet-ann-repeat0",
    ]
    assert [job.fold for job in groups["unet-ann-repeat0"]] == [1]


def test_a_plan_survives_writing_and_reading(study, redrawn, tmp_path):
    made = plan(study, redrawn)
    made.write(tmp_path / "plan.json")
    assert TrainingPlan.read(tmp_path / "plan.json") == made


@pytest.mark.parametrize("networks", [(), ("unet", "unet"), ("resnet",)])
def test_networks_must_be_different_and_known(study, fixed, networks):
    with pytest.raises(SettingsError, match="known: unet, basic_unet, segnet, fcn32"):
        plan(study, fixed, networks=networks)


@pytest.mark.parametrize("choices", [{"repeats": 0}, {"jobs_per_task": -1}, {"folds": 7}])
def test_numbers_out_of_range_are_refused(study, fixed, choices):
    with pytest.raises(InputError):
        plan(study, fixed, **choices)


def test_without_any_noise_there_is_nothing_to_compare(study, fixed):
    with pytest.raises(SettingsError, match="variants must name at least one perturbation"):
        plan(study, fixed.model_copy(update={"variants": fixed.variants[:1]}))


def test_a_variant_is_named_once_and_by_its_pattern():
    assert [variant.dice for variant in parse_variants(["natural-0.90", "random-0.85"])] == [0.9, 0.85]
    for names in (["natural-0.90", "natural-0.90"], ["noisy-0.90"]):
        with pytest.raises(SettingsError):
            parse_variants(names)


def test_redraw_is_never_or_every_epoch():
    assert parse_redraw("never") == "never"
    with pytest.raises(SettingsError, match="redraw must be never or every_epoch, got 'often'"):
        parse_redraw("often")
