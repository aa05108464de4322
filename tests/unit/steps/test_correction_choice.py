"""What a user of `relabel` may ask for, and what is refused in one message."""

from typing import Any

import pytest

from overread.errors import SettingsError
from overread.labels.variant_record import LabelVariant
from overread.questions.relabel.results import NoisyLabels
from overread.questions.relabel.steps.choice import (
    CorrectionChoice,
    check_sources,
    find_clean_source,
    list_noises,
)
from overread.runs.label_variants import LabelVariants

CONTROL = LabelVariant(name="control", mode="control", target_dice=1, achieved_dice=1)
TRIANGLES = LabelVariant(name="polygon-3", mode="polygon", target_dice=None, achieved_dice=0.7)
HEPTAGONS = LabelVariant(name="polygon-7", mode="polygon", target_dice=None, achieved_dice=0.9)
NOISY = LabelVariants(source="ann", redraw="never", variants=(CONTROL, TRIANGLES, HEPTAGONS))
AS_THEY_ARE = LabelVariants(source="ann", redraw="never", variants=(CONTROL,))
KNOWN = ("ann", "ben", "ann-polygon-3", "ann-polygon-7")


def choose(**values: Any) -> CorrectionChoice:
    return CorrectionChoice.parse({"preset": "relabel-2d"} | values, where="parameters of relabel")


@pytest.mark.parametrize("methods", [("tta",), ("ensemble", "mc_dropout"), ("mc_dropout", "tta", "ensemble")])
def test_methods_keep_their_order(methods):
    assert choose(method=methods).methods == methods


@pytest.mark.parametrize("methods", [(), ("tta", "tta"), ("bootstrap",), ("tta", "TTA")])
def test_methods_are_different_and_known(methods):
    with pytest.raises(SettingsError, match=rf"method must name different ways.*got '{','.join(methods)}'.*mc_dropout"):
        _ = choose(method=methods).methods


@pytest.mark.parametrize(
    ("text", "rule", "cases"),
    [
        ("uncertainty", "uncertainty", ()),
        ("clean", "clean", ()),
        ("clean:a", "clean", ("a",)),
        ("clean:a+b-1", "clean", ("a", "b-1")),
        ("12", 12, ()),
    ],
)
def test_the_epoch_is_chosen_by_uncertainty_by_clean_labels_or_by_the_user(text, rule, cases):
    choice = choose(relabel_after=text)
    assert (choice.rule, choice.clean_cases) == (rule, cases)


@pytest.mark.parametrize("text", ["", "0", "-1", "1.5", "best", "uncertainty:a", "cleaner", "Clean"])
def test_another_rule_for_the_epoch_is_refused(text):
    with pytest.raises(SettingsError, match=rf"^relabel_after must be uncertainty, clean, .*got '{text}'\.$"):
        _ = choose(relabel_after=text).rule


@pytest.mark.parametrize(
    ("values", "key"), [({"seed": -1}, "seed"), ({"jobs_per_task": -1}, "jobs_per_task"), ({"repeats": -1}, "repeats")]
)
def test_numbers_below_zero_are_refused(values, key):
    with pytest.raises(SettingsError, match=rf"^{key}: .*got -1; parameters of relabel\.$"):
        choose(**values)


def test_what_noise_was_added_to_is_clean_unless_the_user_names_another_source():
    assert find_clean_source(choose(), NOISY) == "ann"
    assert find_clean_source(choose(clean_source="ben"), NOISY) == "ben"


def test_without_noise_nothing_is_clean_unless_the_user_names_a_source():
    assert find_clean_source(choose(), AS_THEY_ARE) == ""
    assert find_clean_source(choose(clean_source="ben"), AS_THEY_ARE) == "ben"


def test_perturbed_labels_are_repaired_and_without_any_the_source_as_it_is():
    assert list_noises(NOISY) == (
        NoisyLabels(name="polygon-3", source="ann-polygon-3"),
        NoisyLabels(name="polygon-7", source="ann-polygon-7"),
    )
    assert list_noises(AS_THEY_ARE) == (NoisyLabels(name="as-given", source="ann"),)


@pytest.mark.parametrize("clean", ["", "ann", "ben"])
def test_sources_that_go_together_are_taken(clean):
    check_sources(choose(clean_source=clean, relabel_after="clean"), NOISY, KNOWN)


@pytest.mark.parametrize(
    ("values", "variants", "message"),
    [
        (
            {"clean_source": "zoe"},
            NOISY,
            r"^clean_source must be a source of the study, got 'zoe'\. Hint: known: ann, ",
        ),
        ({"clean_source": "ann"}, AS_THEY_ARE, r"^clean_source must be another source than .*got 'ann'.*add noise"),
        ({"clean_source": "ann-polygon-7"}, NOISY, r"^clean_source must be another source.*got 'ann-polygon-7'"),
        ({"relabel_after": "clean"}, AS_THEY_ARE, r"^relabel_after=clean needs a clean_source, got none\."),
        ({"relabel_after": "clean:case00"}, AS_THEY_ARE, r"^relabel_after=clean needs a clean_source, got none\."),
    ],
)
def test_sources_that_do_not_go_together_are_refused(values, variants, message):
    with pytest.raises(SettingsError, match=message):
        check_sources(choose(**values), variants, KNOWN)
