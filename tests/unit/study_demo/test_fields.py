import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from overread.study.demo.fields import Axes, compute_ellipsoid, compute_tube, join_smoothly, soften

coordinates = st.floats(-20, 20, width=32)
radii = st.floats(1, 10, width=32)


def at(x: float, y: float, z: float) -> Axes:
    first, second, third = (np.full((1, 1, 1), value, np.float32) for value in (x, y, z))
    return first, second, third


@given(coordinates, coordinates, coordinates)
def test_the_distance_to_a_sphere_is_exact(x: float, y: float, z: float) -> None:
    distance = compute_ellipsoid(at(x, y, z), (0, 0, 0), (5, 5, 5))
    assert distance.item() == pytest.approx(5 - np.sqrt(x**2 + y**2 + z**2), abs=1e-3)


@given(coordinates, coordinates, coordinates, st.tuples(radii, radii, radii))
def test_the_distance_is_positive_inside_an_ellipsoid_and_negative_outside(
    x: float, y: float, z: float, semi_axes: tuple[float, float, float]
) -> None:
    level = sum((c / r) ** 2 for c, r in zip((x, y, z), semi_axes, strict=True))
    distance = compute_ellipsoid(at(x, y, z), (0, 0, 0), semi_axes).item()
    if abs(level - 1) > 1e-3:
        assert (distance > 0) == (level < 1)


def test_a_tube_narrows_along_its_line() -> None:
    line = [(0.0, 0.0, 0.0), (0.0, 10.0, 0.0)]
    assert compute_tube(at(0, 0, 0), line, [4, 2]).item() == pytest.approx(4)
    assert compute_tube(at(3, 5, 0), line, [4, 2]).item() == pytest.approx(0)
    assert compute_tube(at(0, 15, 0), line, [4, 2]).item() == pytest.approx(-3)


def test_a_smooth_union_bulges_by_a_quarter_of_the_blend_where_both_shapes_are_equally_near() -> None:
    zero, far = np.zeros(1, np.float32), np.full(1, -6, np.float32)
    assert join_smoothly(zero, zero, 6.0).item() == pytest.approx(1.5)
    assert join_smoothly(zero, far, 6.0).item() == pytest.approx(0)


def test_tissue_share_is_a_half_on_the_surface_and_whole_one_width_inside() -> None:
    assert soften(np.array([-2, -1, 0, 1, 2], np.float32), 1.0).tolist() == [0, 0, 0.5, 1, 1]
