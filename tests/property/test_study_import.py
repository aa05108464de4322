import tempfile
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from overread.errors import InputError
from overread.study.check import check_study
from overread.study.importing.case_writer import binarise_mask
from overread.study.importing.dicom import compute_series_affine, sort_slices
from overread.study.importing.dicom_header import SliceHeader
from overread.study.importing.pattern import FilePattern
from overread.study.importing.settings import ImportSettings
from overread.study.importing.study_import import import_study
from overread.study.rasters import have_same_affine, read_raster, write_volume
from overread.study.study import Study

shapes = st.tuples(*[st.integers(1, 5)] * 3)
names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9.+-]{0,8}", fullmatch=True).filter(lambda name: ".." not in name)


@st.composite
def rotations(draw) -> np.ndarray:
    """A rotation, perhaps with a reflection."""
    numbers = draw(arrays.arrays(np.float64, (3, 3), elements=st.floats(-1, 1)))
    orthogonal, _ = np.linalg.qr(numbers + 3 * np.eye(3))
    return orthogonal * np.array([draw(st.sampled_from([-1, 1])), 1, 1])


@st.composite
def affines(draw) -> np.ndarray:
    """Perpendicular axes in any direction, voxels of 0.2 to 8 mm, origin anywhere in a metre."""
    affine = np.eye(4)
    sizes = draw(st.tuples(*[st.floats(0.2, 8)] * 3))
    affine[:3, :3] = draw(rotations()) * np.array(sizes)
    affine[:3, 3] = draw(st.tuples(*[st.floats(-500, 500)] * 3))
    return affine


@settings(max_examples=40, deadline=None)
@given(st.data(), shapes, affines(), names)
def test_a_volume_and_its_mask_come_through_an_import_unchanged(data, shape, affine, case_id):
    voxels = data.draw(arrays.arrays(np.int16, shape))
    assume(voxels.min() < voxels.max())
    label = data.draw(st.sampled_from([1, 2, 255]))
    mask = data.draw(arrays.arrays(np.bool_, shape))
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "data", Path(folder) / "study"
        for name, content in (("images", voxels), ("labels/ann", mask.astype(np.uint8) * label)):
            (source / name).mkdir(parents=True)
            nib.nifti1.Nifti1Image(content, affine).to_filename(source / name / f"{case_id}.nii.gz")
        imported = import_study(source, target, settings=ImportSettings(name="study"))
        study = Study.open(target)
        assert np.array_equal(study.read_image(case_id)[0], voxels)
        assert np.array_equal(study.labels("ann").read(case_id), mask)
        assert have_same_affine(affine, study.read_affine(case_id))
        assert check_study(target) == imported


@settings(max_examples=60, deadline=None)
@given(st.data(), shapes, affines())
def test_a_cut_volume_is_always_told(data, shape, affine):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.nii.gz"
        write_volume(path, np.arange(np.prod(shape), dtype=np.int16).reshape(shape), affine)
        content = path.read_bytes()
        path.write_bytes(content[: data.draw(st.integers(0, len(content) - 1))])
        with pytest.raises(InputError):
            read_raster(path)


@given(arrays.arrays(np.uint8, (4, 5), elements=st.sampled_from([0, 3])))
def test_any_two_values_make_the_same_mask(voxels):
    mask, value = binarise_mask(voxels, ())
    assert np.array_equal(mask, voxels == 3)
    assert value == (3 if mask.any() else None)


@given(arrays.arrays(np.uint8, (4, 5), elements=st.integers(0, 5)), st.sets(st.integers(1, 5), min_size=1))
def test_chosen_values_are_the_union_of_their_masks(voxels, values):
    mask, _ = binarise_mask(voxels, tuple(values))
    assert np.array_equal(mask, np.any([voxels == value for value in values], axis=0))


@given(names, st.from_regex(r"[A-Za-z0-9]{1,6}", fullmatch=True), st.sampled_from([".png", ".nii.gz", ".TIF"]))
def test_patterns_give_back_the_names_that_a_path_was_made_of(case_id, channel, suffix):
    expected = {"case": case_id, "channel": channel}
    assert FilePattern("images/{case}/{channel}.*").match(Path(f"images/{case_id}/{channel}{suffix}")) == expected
    assert FilePattern("{case}_{channel}.*").match(Path(f"{case_id}_{channel}{suffix}")) == expected
    twice = FilePattern("{case}/{case}_{channel}.*")
    assert twice.match(Path(f"{case_id}/{case_id}_{channel}{suffix}")) == expected
    assert twice.match(Path(f"{case_id}/x{case_id}_{channel}{suffix}")) is None


@given(rotations(), st.integers(2, 6), st.floats(0.5, 9), st.permutations(range(6)))
def test_slices_are_found_in_any_order_and_direction(rotation, count, gap_mm, order):
    row, column = rotation[0], rotation[1]
    normal = np.cross(row, column)
    slices = [make_slice(index, row, column, normal * gap_mm * index) for index in order if index < count]
    ordered = sort_slices(slices)
    assert [header.path.name for header in ordered] == [str(index) for index in range(count)]
    affine = compute_series_affine(ordered)
    # The first voxel of each slice lies where its header says, x and y with their signs changed.
    for index in range(count):
        assert np.allclose(affine @ [0, 0, index, 1], [*(normal * gap_mm * index * [-1, -1, 1]), 1], atol=1e-6)
    assert np.allclose(np.linalg.norm(affine[:3, :3], axis=0), [0.5, 2.0, gap_mm])


def make_slice(index: int, row: np.ndarray, column: np.ndarray, position: np.ndarray) -> SliceHeader:
    return SliceHeader(
        path=Path(str(index)),
        series_uid="1.2",
        patient_id="p",
        series_number="1",
        modality="CT",
        columns={},
        rows=4,
        row_length=5,
        frames=1,
        samples=1,
        position_mm=tuple(position),
        axes=(*row, *column),
        pixel_spacing_mm=(2.0, 0.5),
        slice_spacing_mm=None,
    )
