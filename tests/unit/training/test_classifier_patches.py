"""Patches around outlines."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from overread.questions.rater_bias.classifier_masks import DrawnMask
from overread.questions.rater_bias.classifier_patches import (
    apply_patches,
    sample_outline_patch,
    sample_test_patches,
    sample_training_patches,
)
from overread.study.working_cases import WorkingCase
from overread.training.settings import ClassifierSettings

CPU = torch.device("cpu")


def make_mask(
    shape: tuple[int, ...] = (20, 24), *, source: int = 0, label: int = 0, name: str = "ann", case_id: str = "case"
) -> DrawnMask:
    """A block, on an image whose first channel is 1 inside of it and 2 outside, and whose second is 5."""
    mask = np.zeros(shape, np.bool_)
    mask[tuple(slice(5, 15) for _ in shape)] = True
    image = np.stack([np.where(mask, 1, 2), np.full(shape, 5)]).astype(np.float32)
    return DrawnMask(WorkingCase(case_id, image, mask), source, label, name)


def make_settings(side: int = 8, dimensions: int = 2, **changes: object) -> ClassifierSettings:
    return ClassifierSettings.parse({"patch_size": (side,) * dimensions, **changes}, where="tests")


@given(jitter=st.integers(0, 3), seed=st.integers(0, 2**32))
@settings(deadline=None, max_examples=50)
def test_centres_stray_from_the_outline_by_the_jitter_at_most(jitter: int, seed: int) -> None:
    mask = make_mask()
    record = sample_outline_patch(make_settings(centre_jitter=jitter), [mask], 0, np.random.default_rng(seed))
    outline = np.stack(np.unravel_index(mask.outline, mask.case.mask.shape), axis=-1)
    assert np.abs(outline - record.centre).max(axis=1).min() <= jitter


def test_a_centre_does_not_leave_the_image() -> None:
    mask = DrawnMask(WorkingCase("c", np.zeros((1, 4, 4), np.float32), np.ones((4, 4), np.bool_)), 0, 0, "ann")
    generator, wide = np.random.default_rng(0), make_settings(centre_jitter=50)
    centres = [sample_outline_patch(wide, [mask], 0, generator).centre for _ in range(30)]
    assert {0, 3} <= {index for centre in centres for index in centre} <= {0, 1, 2, 3}


def test_a_patch_holds_image_and_mask_of_the_same_place() -> None:
    masks, chosen = [make_mask()], make_settings(flips=True)
    generator = np.random.default_rng(0)
    records = [sample_outline_patch(chosen, masks, 0, generator) for _ in range(20)]
    image, mask = apply_patches(chosen, masks, records, CPU)
    assert image.shape == (20, 2, 8, 8)
    assert mask.shape == (20, 1, 8, 8)
    inside = image[:, 1:] == 5
    assert torch.equal(image[:, :1][inside], (2 - mask)[inside])
    assert all(0 < share < 1 for share in mask.mean(dim=(1, 2, 3)))
    assert len({record.flips for record in records}) == 4


def test_a_patch_of_one_slice_is_for_a_network_in_2d() -> None:
    masks, chosen = [make_mask((20, 24, 18))], make_settings(patch_size=(8, 10, 1))
    records = sample_test_patches(chosen, masks, 0)
    image, mask = apply_patches(chosen, masks, records[:3], CPU)
    assert image.shape == (3, 2, 8, 10)
    assert mask.shape == (3, 1, 8, 10)


def test_places_are_balanced_however_many_cases_a_source_labelled() -> None:
    masks = [make_mask(source=index == 7, label=index == 7, case_id=f"case{index}") for index in range(8)]
    generator = np.random.default_rng(0)
    records = sample_training_patches(make_settings(batch_size=4000), masks, generator, source_count=2)
    share = np.mean([record.case_index == 7 for record in records])
    assert len(records) == 2000
    assert share == pytest.approx(0.5, abs=0.05)  # 4.5 standard deviations of 2000 fair draws


def test_a_place_is_seen_with_the_masks_of_all_sources() -> None:
    """The second mask lies 4 columns further right, and so does its nearest outline from a place on the left rim."""
    left, right = np.zeros((2, 20, 24), np.bool_)
    left[5:15, 3:10], right[5:15, 7:14] = True, True
    image = np.zeros((1, 20, 24), np.float32)
    masks = [
        DrawnMask(WorkingCase("case", image, mask), source, source, "") for source, mask in enumerate((left, right))
    ]
    masks.append(make_mask(source=0, label=0, case_id="other"))
    settings = make_settings(batch_size=40, centre_jitter=0)
    records = sample_training_patches(settings, masks, np.random.default_rng(0), source_count=2)
    pairs = [
        (a, b) for a, b in pairwise(records) if (a.case_index, b.case_index) == (0, 1) and a.centre[1] == 3 and a.flips
    ]
    assert {b.centre[1] - a.centre[1] for a, b in pairs if 5 <= a.centre[0] < 15} == {4}
    assert all(a.flips == b.flips for a, b in pairs)
    assert {record.case_index for record in records} == {0, 1, 2}


def test_in_the_baseline_a_label_says_nothing_about_the_source() -> None:
    """Two cases keep their sources and one swaps them; all four pairs of source and label are drawn equally often."""
    masks = [
        make_mask(source=source, label=(source + shift) % 2, case_id=f"case{index}")
        for index, shift in enumerate((0, 0, 1))
        for source in range(2)
    ]
    generator = np.random.default_rng(1)
    records = sample_training_patches(make_settings(batch_size=4000), masks, generator, source_count=2)
    counts = Counter((masks[record.case_index].source, masks[record.case_index].label) for record in records)
    assert sum(counts.values()) == 4000
    assert all(counts[pair] / 4000 == pytest.approx(0.25, abs=0.03) for pair in ((0, 0), (1, 1), (0, 1), (1, 0)))


def test_test_patches_depend_on_seed_case_and_label_set_alone() -> None:
    ann, ben = make_mask(), make_mask(name="ben")
    chosen = make_settings(patches_per_case=5)
    alone = sample_test_patches(chosen, [ann], 0)
    among = sample_test_patches(chosen, [ben, ann], 1)
    assert [record.centre for record in alone] == [record.centre for record in among]
    assert [record.centre for record in alone] != [r.centre for r in sample_test_patches(chosen, [ben], 0)]
    reseeded = sample_test_patches(make_settings(patches_per_case=5, seed=1), [ann], 0)
    assert [record.centre for record in alone] != [record.centre for record in reseeded]
    assert not any(flip for record in alone for flip in record.flips)
