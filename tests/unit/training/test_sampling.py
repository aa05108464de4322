"""Training patches: drawn as records, cut from records."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from overread.study.working_cases import WorkingCase
from overread.training.sampling import PatchRecord, apply_patch, sample_patch
from overread.training.settings import SamplingSettings

PLAIN = PatchRecord(
    case_index=0,
    centre=(0, 0),
    flips=(False, False),
    rotation_radians=0.0,
    zoom=1.0,
    gain=(1.0,),
    offset=(0.0,),
    noise_seed=0,
)


def make_case(shape: tuple[int, ...], *, channels: int = 1, seed: int = 0) -> WorkingCase:
    """A case whose mask is where its first channel is above 0, so that both can be told to move together."""
    image = np.random.default_rng(seed).standard_normal((channels, *shape)).astype(np.float32)
    return WorkingCase("c", image, image[0] > 0)


def make_ramp(rows: int, columns: int) -> WorkingCase:
    """A case whose intensity is 100 × row + column."""
    row, column = np.indices((rows, columns))
    image = (100 * row + column)[None].astype(np.float32)
    return WorkingCase("ramp", image, image[0] > 0)


@st.composite
def sampling_settings(draw: st.DrawFn, dimensions: int) -> SamplingSettings:
    sides = draw(st.lists(st.integers(1, 9), min_size=dimensions, max_size=dimensions))
    zoom = draw(st.sampled_from([(1.0, 1.0), (0.5, 2.0)]))
    return SamplingSettings(
        patch_size=tuple(sides),
        foreground_fraction=draw(st.sampled_from([0.0, 0.5, 1.0])),
        flip_axes=tuple(range(draw(st.integers(0, dimensions)))),
        rotation_degrees=draw(st.sampled_from([0.0, 180.0])),
        zoom_range=zoom,
        gain_range=(0.5, 2.0),
        offset_range=(-1.0, 1.0),
        noise_std=draw(st.sampled_from([0.0, 0.3])),
        keep_inside=draw(st.booleans()),
    )


class TestSampledPatches:
    @given(data=st.data(), seed=st.integers(0, 2**32))
    @settings(deadline=None, max_examples=60)
    def test_have_the_asked_shape_and_are_the_same_again_from_their_record(
        self, data: st.DataObject, seed: int
    ) -> None:
        dimensions = data.draw(st.sampled_from([2, 3]))
        chosen = data.draw(sampling_settings(dimensions))
        shapes = data.draw(st.lists(st.tuples(*[st.integers(1, 12)] * dimensions), min_size=1, max_size=3))
        cases = [make_case(shape, channels=2, seed=index) for index, shape in enumerate(shapes)]

        record = sample_patch(chosen, cases, np.random.default_rng(seed))
        image, mask = apply_patch(chosen, cases, record)

        assert image.shape == (2, *chosen.patch_size)
        assert image.dtype == np.float32
        assert mask.shape == chosen.patch_size
        assert mask.dtype == np.bool_
        assert np.isfinite(image).all()
        again = apply_patch(chosen, cases, sample_patch(chosen, cases, np.random.default_rng(seed)))
        np.testing.assert_array_equal(image, again[0])
        np.testing.assert_array_equal(mask, again[1])

    @given(seed=st.integers(0, 2**32))
    @settings(deadline=None, max_examples=40)
    def test_stay_within_the_ranges_of_their_settings(self, seed: int) -> None:
        chosen = SamplingSettings(
            patch_size=(4, 4),
            flip_axes=(1,),
            rotation_degrees=90,
            zoom_range=(0.5, 2.0),
            gain_range=(0.7, 1.4),
            offset_range=(-0.3, 0.2),
        )
        record = sample_patch(chosen, [make_case((5, 7))] * 3, np.random.default_rng(seed))

        assert record.case_index in (0, 1, 2)
        assert all(0 <= index < side for index, side in zip(record.centre, (5, 7), strict=True))
        assert record.flips[0] is False
        assert abs(record.rotation_radians) <= math.pi / 2
        assert 0.5 <= record.zoom <= 2.0
        assert 0.7 <= record.gain[0] <= 1.4
        assert -0.3 <= record.offset[0] <= 0.2

    @given(seed=st.integers(0, 2**32))
    @settings(deadline=None, max_examples=30)
    def test_are_centred_on_a_labelled_voxel_when_the_foreground_fraction_is_one(self, seed: int) -> None:
        mask = np.zeros((6, 7), np.bool_)
        mask[1, 5] = mask[4, 2] = True
        case = WorkingCase("c", np.zeros((1, 6, 7), np.float32), mask)
        chosen = SamplingSettings(patch_size=(3, 3), foreground_fraction=1.0)
        record = sample_patch(chosen, [case], np.random.default_rng(seed))
        assert record.centre in {(1, 5), (4, 2)}
        assert apply_patch(chosen, [case], record)[1][1, 1]

    def test_are_centred_anywhere_in_a_case_without_foreground(self) -> None:
        case = WorkingCase("c", np.zeros((1, 3, 3), np.float32), np.zeros((3, 3), np.bool_))
        chosen = SamplingSettings(patch_size=(2, 2), foreground_fraction=1.0)
        generator = np.random.default_rng(0)
        assert len({sample_patch(chosen, [case], generator).centre for _ in range(200)}) == 9

    def test_zoom_is_as_often_below_one_as_above_when_its_range_is_symmetric(self) -> None:
        chosen = SamplingSettings(patch_size=(2, 2), zoom_range=(0.5, 2.0))
        generator, cases = np.random.default_rng(0), [make_case((4, 4))]
        zooms = [sample_patch(chosen, cases, generator).zoom for _ in range(2000)]
        assert np.mean(np.array(zooms) < 1) == pytest.approx(0.5, abs=0.04)  # 3.6 standard errors of 1/√8000


class TestPatchesKeptInside:
    @given(data=st.data(), seed=st.integers(0, 2**32), foreground_fraction=st.sampled_from([0.0, 1.0]))
    @settings(deadline=None, max_examples=60)
    def test_lie_inside_the_case_or_hold_it_along_each_axis(
        self, data: st.DataObject, seed: int, foreground_fraction: float
    ) -> None:
        """Ones everywhere: as many of them are in the patch as fit into it."""
        dimensions = data.draw(st.sampled_from([2, 3]))
        shape, size = (data.draw(st.tuples(*[st.integers(1, 9)] * dimensions)) for _ in range(2))
        case = WorkingCase("c", np.ones((1, *shape), np.float32), np.ones(shape, np.bool_))
        chosen = SamplingSettings(patch_size=size, foreground_fraction=foreground_fraction, keep_inside=True)
        record = sample_patch(chosen, [case], np.random.default_rng(seed))
        image, mask = apply_patch(chosen, [case], record)
        assert mask.sum() == math.prod(min(sides) for sides in zip(shape, size, strict=True))
        np.testing.assert_array_equal(image[0], mask)
        assert all(0 <= index < length for index, length in zip(record.centre, shape, strict=True))

    def test_are_moved_no_further_than_needed(self) -> None:
        """Sides of 4 begin two voxels before the centre and end one after it: 2 to 6 of 0 to 7."""
        case, generator = make_case((8, 30)), np.random.default_rng(0)
        centres = {keep: set[int]() for keep in (False, True)}
        for keep, found in centres.items():
            chosen = SamplingSettings(patch_size=(4, 4), foreground_fraction=0.0, keep_inside=keep)
            found |= {sample_patch(chosen, [case], generator).centre[0] for _ in range(300)}
        assert centres == {False: set(range(8)), True: {2, 3, 4, 5, 6}}

    def test_differ_from_the_others_in_their_centre_alone(self) -> None:
        chosen = SamplingSettings(patch_size=(6, 6), rotation_degrees=30, noise_std=0.1)
        inside = chosen.model_copy(update={"keep_inside": True})
        for seed in range(20):
            free, kept = (sample_patch(s, [make_case((7, 7))], np.random.default_rng(seed)) for s in (chosen, inside))
            assert kept == replace(free, centre=kept.centre)


class TestSlices:
    """Slice k of a volume is k everywhere, so that a patch which reached into others would show it."""

    CASE = WorkingCase(
        "c", np.broadcast_to(np.arange(5, dtype=np.float32), (1, 6, 8, 5)).copy(), np.zeros((6, 8, 5), np.bool_)
    )

    def test_as_large_as_those_of_the_case_are_whole_when_kept_inside(self) -> None:
        case = make_case((6, 8, 5))
        chosen = SamplingSettings(patch_size=(6, 8, 1), foreground_fraction=0.0, keep_inside=True)
        generator, seen = np.random.default_rng(0), set()
        for _ in range(60):
            record = sample_patch(chosen, [case], generator)
            image, mask = apply_patch(chosen, [case], record)
            index = record.centre[2]
            np.testing.assert_array_equal(image[..., 0], case.image[..., index])
            np.testing.assert_array_equal(mask[..., 0], case.mask[..., index])
            seen.add(index)
        assert seen == {0, 1, 2, 3, 4}

    @given(
        index=st.integers(0, 4), turn=st.floats(-3, 3), zoom=st.floats(0.5, 2), flips=st.tuples(*[st.booleans()] * 3)
    )
    @settings(deadline=None, max_examples=40)
    def test_stay_in_their_plane_when_they_are_turned_zoomed_and_flipped(
        self, index: int, turn: float, zoom: float, flips: tuple[bool, bool, bool]
    ) -> None:
        record = PatchRecord(0, (3, 4, index), flips, turn, zoom, (1.0,), (0.0,), 0)
        image, _ = apply_patch(SamplingSettings(patch_size=(2, 2, 1)), [self.CASE], record)
        np.testing.assert_allclose(image, np.full((1, 2, 2, 1), index), atol=1e-5)

    def test_are_varied_as_the_same_image_in_2d(self) -> None:
        case = make_case((12, 12, 3))
        flat = WorkingCase("flat", case.image[..., 1], case.mask[..., 1])
        record = replace(PLAIN, centre=(6, 6), flips=(True, False), rotation_radians=0.4, zoom=1.3)
        in_2d = apply_patch(SamplingSettings(patch_size=(6, 7)), [flat], record)
        deep = replace(record, centre=(6, 6, 1), flips=(True, False, False))
        in_3d = apply_patch(SamplingSettings(patch_size=(6, 7, 1)), [case], deep)
        np.testing.assert_allclose(in_3d[0][..., 0], in_2d[0], atol=1e-5)
        np.testing.assert_array_equal(in_3d[1][..., 0], in_2d[1])


class TestCroppedPatches:
    def test_the_centre_lands_at_half_of_each_side(self) -> None:
        image, _ = apply_patch(SamplingSettings(patch_size=(3, 4)), [make_ramp(9, 9)], replace(PLAIN, centre=(4, 5)))
        np.testing.assert_array_equal(image[0], [[303, 304, 305, 306], [403, 404, 405, 406], [503, 504, 505, 506]])

    def test_are_zero_and_background_outside_of_the_case(self) -> None:
        case = WorkingCase("c", np.full((1, 2, 2), 7, np.float32), np.ones((2, 2), np.bool_))
        image, mask = apply_patch(SamplingSettings(patch_size=(4, 4)), [case], PLAIN)
        expected = np.zeros((4, 4), np.bool_)
        expected[2:, 2:] = True  # voxel (0, 0) is at index 4 // 2
        np.testing.assert_array_equal(mask, expected)
        np.testing.assert_array_equal(image[0], expected * 7)

    def test_may_be_larger_than_the_case_on_every_side(self) -> None:
        case = make_case((2, 3))
        image, mask = apply_patch(SamplingSettings(patch_size=(8, 9)), [case], replace(PLAIN, centre=(1, 1)))
        np.testing.assert_array_equal(image[0, 3:5, 3:6], case.image[0])
        assert np.count_nonzero(image) == 6
        assert mask.sum() == case.mask.sum()

    def test_gain_comes_before_offset_per_channel(self) -> None:
        case = WorkingCase("c", np.ones((2, 2, 2), np.float32), np.zeros((2, 2), np.bool_))
        record = replace(PLAIN, centre=(1, 1), gain=(2.0, 3.0), offset=(10.0, 20.0))
        image, _ = apply_patch(SamplingSettings(patch_size=(2, 2)), [case], record)
        np.testing.assert_array_equal(image[:, 0, 0], [12, 23])

    def test_noise_has_the_asked_standard_deviation_and_follows_its_seed(self) -> None:
        case = WorkingCase("c", np.zeros((1, 64, 64), np.float32), np.zeros((64, 64), np.bool_))
        chosen, record = SamplingSettings(patch_size=(64, 64), noise_std=0.5), replace(PLAIN, centre=(32, 32))
        image, _ = apply_patch(chosen, [case], record)
        assert image.std() == pytest.approx(0.5, abs=0.02)  # 3.6 standard errors of 0.5/√(2 × 4096)
        other, _ = apply_patch(chosen, [case], replace(record, noise_seed=1))
        assert not np.array_equal(image, other)

    @given(flips=st.tuples(st.booleans(), st.booleans()), centre=st.tuples(st.integers(0, 5), st.integers(0, 6)))
    @settings(deadline=None, max_examples=30)
    def test_flips_mirror_image_and_mask_alike(self, flips: tuple[bool, bool], centre: tuple[int, int]) -> None:
        case, chosen = make_case((6, 7)), SamplingSettings(patch_size=(5, 4))
        image, mask = apply_patch(chosen, [case], replace(PLAIN, centre=centre, flips=flips))
        plain, plain_mask = apply_patch(chosen, [case], replace(PLAIN, centre=centre))
        rows, columns = (slice(None, None, -1 if flip else 1) for flip in flips)
        np.testing.assert_array_equal(image[0], plain[0][rows, columns])
        np.testing.assert_array_equal(mask, plain_mask[rows, columns])
        np.testing.assert_array_equal(mask, image[0] > 0)


class TestWarpedPatches:
    """A turn of 2π runs the interpolation, yet changes nothing; the patch lies inside the case."""

    @given(
        size=st.tuples(st.integers(2, 6), st.integers(2, 6)),
        flips=st.tuples(st.booleans(), st.booleans()),
        turn=st.sampled_from([2 * math.pi, -2 * math.pi]),
    )
    @settings(deadline=None, max_examples=30)
    def test_a_full_turn_equals_the_crop(self, size: tuple[int, int], flips: tuple[bool, bool], turn: float) -> None:
        case, chosen = make_case((13, 13)), SamplingSettings(patch_size=size)
        record = replace(PLAIN, centre=(6, 6), flips=flips)
        image, mask = apply_patch(chosen, [case], record)
        warped, warped_mask = apply_patch(chosen, [case], replace(record, rotation_radians=turn))
        np.testing.assert_allclose(warped, image, atol=1e-5)
        np.testing.assert_array_equal(warped_mask, mask)

    @pytest.mark.parametrize("size", [(5, 5), (4, 4)])
    def test_a_quarter_turn_puts_what_was_below_the_middle_to_its_left(self, size: tuple[int, int]) -> None:
        """Patch (a, b), seen from the middle, shows the case at (cos·a - sin·b, sin·a + cos·b) = (-b, a)."""
        chosen, record = SamplingSettings(patch_size=size), replace(PLAIN, centre=(6, 6))
        plain, _ = apply_patch(chosen, [make_ramp(13, 13)], record)
        turned, _ = apply_patch(chosen, [make_ramp(13, 13)], replace(record, rotation_radians=math.pi / 2))
        expected = np.array([[plain[0, size[0] - 1 - b, a] for b in range(size[1])] for a in range(size[0])])
        np.testing.assert_allclose(turned[0], expected, atol=1e-3)

    def test_zoom_two_shows_half_of_the_extent(self) -> None:
        """Around row 6, column 6, patch steps of one voxel are case steps of a half."""
        record = replace(PLAIN, centre=(6, 6), zoom=2.0)
        image, _ = apply_patch(SamplingSettings(patch_size=(3, 5)), [make_ramp(13, 13)], record)
        rows, columns = np.array([5.5, 6, 6.5]), np.array([5, 5.5, 6, 6.5, 7])
        np.testing.assert_allclose(image[0], 100 * rows[:, None] + columns, atol=1e-3)

    def test_a_small_zoom_shows_zeros_around_the_case(self) -> None:
        case = WorkingCase("c", np.full((1, 4, 4), 5, np.float32), np.ones((4, 4), np.bool_))
        record = replace(PLAIN, centre=(2, 2), zoom=0.5)
        image, mask = apply_patch(SamplingSettings(patch_size=(8, 8)), [case], record)
        # Patch indices 3 and 4 lie 0.5 voxels from the patch's middle, 1 from the case's: at 0.5 and 2.5 of 0 … 3.
        np.testing.assert_array_equal(mask.nonzero(), ([3, 3, 4, 4], [3, 4, 3, 4]))
        np.testing.assert_array_equal(image[0], mask * 5)

    def test_turns_in_the_plane_of_the_first_two_of_three_axes(self) -> None:
        case, chosen = make_case((9, 9, 9)), SamplingSettings(patch_size=(5, 5, 3))
        record = PatchRecord(0, (4, 4, 4), (False, False, True), math.pi, 1.0, (1.0,), (0.0,), 0)
        image, mask = apply_patch(chosen, [case], record)
        np.testing.assert_allclose(image[0], case.image[0, 2:7, 2:7, 3:6][::-1, ::-1, ::-1], atol=1e-5)
        np.testing.assert_array_equal(mask, image[0] > 0)
