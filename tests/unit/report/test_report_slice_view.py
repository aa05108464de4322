import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from overread.report.slice_view import (
    SliceView,
    crop_around_masks,
    find_largest_slice,
    turn_upright,
    view_case,
    window_intensities,
)

# A plane of 2 by 3 voxels (X by Y): the value tells the voxel.
PLANE = np.array([[1, 2, 3], [4, 5, 6]], np.float32)


def affine_with_columns(x, y, z):
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1], affine[:3, 2] = x, y, z
    return affine


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [
        # X grows to the right, Y to anterior: right at the left means X reversed, anterior up means Y reversed.
        ((1, 0, 0), (0, 1, 0), [[6, 3], [5, 2], [4, 1]]),
        # X grows to the left, Y to posterior (DICOM order): rows are Y, columns are X, nothing reversed.
        ((-1, 0, 0), (0, -1, 0), [[1, 4], [2, 5], [3, 6]]),
        # X grows to posterior, Y to the left: rows are X already.
        ((0, -1, 0), (-1, 0, 0), [[1, 2, 3], [4, 5, 6]]),
        # X grows to anterior, Y to the right.
        ((0, 1, 0), (1, 0, 0), [[6, 5, 4], [3, 2, 1]]),
    ],
)
def test_anterior_is_up_and_the_right_side_at_the_left(x, y, expected):
    view = turn_upright(SliceView(PLANE, {"m": PLANE > 5}, 1.0, 1.0), affine_with_columns(x, y, (0, 0, 1)))
    np.testing.assert_array_equal(view.image, expected)
    np.testing.assert_array_equal(view.masks["m"], np.array(expected) > 5)
    assert view.edges == ("R", "L", "A", "P")


def test_a_sagittal_stack_has_superior_up_and_anterior_at_the_left():
    # X grows to posterior, Y to inferior, slices run from left to right: rows are Y.
    view = turn_upright(SliceView(PLANE, {}, 0.5, 3.0), affine_with_columns((0, -1, 0), (0, 0, -1), (1, 0, 0)))
    np.testing.assert_array_equal(view.image, PLANE.T)
    assert view.edges == ("A", "P", "S", "I")
    assert (view.row_spacing, view.column_spacing) == (3.0, 0.5)


def test_spacings_follow_the_axes_that_become_rows_and_columns():
    view = turn_upright(SliceView(PLANE, {}, 0.4, 0.48), np.diag([0.4, 0.48, 3.0, 1.0]))
    assert (view.row_spacing, view.column_spacing) == (0.48, 0.4)


def test_the_slice_with_the_largest_union_is_taken():
    masks = {"a": np.zeros((6, 6, 4), np.bool_), "b": np.zeros((6, 6, 4), np.bool_)}
    masks["a"][:3, 0, 1] = True  # 3 voxels in slice 1
    masks["a"][0, 0, 2] = masks["b"][1, 0, 2] = masks["b"][2, :2, 2] = True  # 4 voxels of both together in slice 2
    image = np.broadcast_to(np.arange(4, dtype=np.float32), (6, 6, 4))
    view = view_case(image, masks, spacing=(1.0, 1.0, 3.0), affine=np.diag([1.0, 1.0, 3.0, 1.0]))
    assert (view.slice_index, view.slice_count) == (2, 4)
    assert np.unique(view.image).tolist() == [2.0]


def test_without_any_outline_the_middle_slice_is_shown_whole():
    masks = {"a": np.zeros((40, 50, 5), np.bool_)}
    view = view_case(np.zeros((40, 50, 5), np.float32), masks, spacing=(1, 1, 1), affine=np.eye(4))
    assert view.slice_index == 2
    assert view.image.shape == (50, 40)


def test_of_equal_slices_the_first_is_taken():
    mask = np.zeros((2, 2, 3), np.bool_)
    mask[0, 0, 1:] = True
    assert find_largest_slice(mask) == 1


def test_the_crop_is_square_in_millimetres_with_a_fifth_of_margin():
    # 40 rows of 1 mm outlined: 40 × 1.4 = 56 mm, 56 rows of 1 mm and 28 columns of 2 mm.
    mask = np.zeros((200, 200), np.bool_)
    mask[80:120, 95:100] = True
    view = crop_around_masks(SliceView(np.zeros((200, 200), np.float32), {"m": mask}, 1.0, 2.0))
    assert view.image.shape == (56, 28)
    assert view.masks["m"].sum() == 200


def test_the_crop_around_a_single_voxel_leaves_something_to_see():
    mask = np.zeros((200, 200), np.bool_)
    mask[100, 100] = True
    assert crop_around_masks(SliceView(np.zeros((200, 200), np.float32), {"m": mask}, 1.0, 1.0)).image.shape == (32, 32)


@given(st.integers(0, 29), st.integers(0, 44), st.integers(1, 12), st.integers(1, 12))
def test_the_crop_never_cuts_off_an_outline(row, column, height, width):
    mask = np.zeros((30, 45), np.bool_)
    mask[row : row + height, column : column + width] = True
    view = crop_around_masks(SliceView(np.zeros((30, 45), np.float32), {"m": mask}, 1.0, 1.5))
    assert view.masks["m"].sum() == mask.sum()
    assert view.image.shape == view.masks["m"].shape


def test_intensities_are_windowed_between_percentiles_and_clipped():
    image = np.arange(201, dtype=np.float32).reshape(3, 67)  # percentiles 0.5 and 99.5 are 1 and 199
    windowed = window_intensities(image).ravel()
    assert windowed[[0, 1, 100, 199, 200]].tolist() == [0.0, 0.0, 0.5, 1.0, 1.0]


def test_a_flat_image_and_missing_values_do_not_break_the_window():
    assert not window_intensities(np.full((4, 4), 7, np.float32)).any()
    damaged = np.full((4, 4), np.nan, np.float32)
    assert np.isfinite(window_intensities(damaged)).all()
