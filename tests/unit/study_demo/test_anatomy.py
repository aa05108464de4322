import numpy as np

from overread.study.demo.anatomy import Anatomy, build_anatomy, sample_physique
from overread.study.demo.cohort import spawn_generator
from overread.study.demo.fields import HEAD_GRID

VOXEL_ML = HEAD_GRID.step_mm**3 / 1000


def test_the_shares_of_white_grey_and_fluid_add_up_to_the_brain(anatomy: Anatomy) -> None:
    np.testing.assert_allclose(anatomy.white + anatomy.grey + anatomy.fluid, anatomy.brain, atol=1e-5)
    assert min(share.min() for share in (anatomy.white, anatomy.grey, anatomy.fluid)) > -1e-5


def test_tissue_volumes_are_those_of_an_adult_head(anatomy: Anatomy) -> None:
    white, grey, fluid = (float(s.sum()) * VOXEL_ML for s in (anatomy.white, anatomy.grey, anatomy.fluid))
    assert 900 < white + grey < 1500
    assert 0.5 < grey / white < 2.0
    assert fluid < 0.25 * (white + grey)


def test_ventricles_widen_with_atrophy() -> None:
    physique = sample_physique(40, spawn_generator(1, "subject", 0))
    young, old = (build_anatomy(type(physique)(physique.scale, a, physique.seed)) for a in (0.0, 1.0))
    assert np.count_nonzero(old.ventricle_distance_mm > 0) > 2 * np.count_nonzero(young.ventricle_distance_mm > 0)


def test_the_same_physique_gives_the_same_head() -> None:
    physique = sample_physique(40, spawn_generator(1, "subject", 0))
    first, second = build_anatomy(physique), build_anatomy(physique)
    assert first.white.dtype == np.float32
    assert first.white.tobytes() == second.white.tobytes()


def test_the_brain_does_not_touch_the_edge_of_the_lattice_except_at_the_brainstem(anatomy: Anatomy) -> None:
    brain = anatomy.brain
    faces = (brain[0], brain[-1], brain[:, 0], brain[:, -1], brain[:, :, -1])
    assert not any(face.any() for face in faces)
    assert 0 < np.count_nonzero(brain[:, :, 0]) < 200
