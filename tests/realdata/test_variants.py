"""The nine variants of the paper on a demo study and on real masks: each has the mean Dice that its name says."""

from itertools import product
from pathlib import Path

import numpy as np
import pytest

from overread.evaluation.overlap import compute_dice
from overread.labels.settings import VariantSettings
from overread.labels.variants import make_variant
from overread.study.demo import DemoSettings, write_demo_study
from overread.study.importing.settings import ImportSettings
from overread.study.importing.study_import import import_study
from overread.study.study import Study

MODES, LEVELS = ("natural", "choppy", "random"), (0.95, 0.90, 0.85)
NINE = [VariantSettings(mode=mode, dice=dice) for mode, dice in product(MODES, LEVELS)]  # type: ignore[arg-type]
MS = ImportSettings(
    images="{case}_{channel}.nii.gz", labels="{case}_GOLD_STANDARD.nii.gz", modality="MR", target="lesion"
)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A demo study of six cases."""
    root = tmp_path_factory.mktemp("variants") / "demo"
    write_demo_study(root, settings=DemoSettings(case_count=6))
    return Study.open(root)


@pytest.fixture(scope="module")
def cells(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Study:
    """Thirty-five microscopy images outlined by people."""
    root = tmp_path_factory.mktemp("variants") / "cells"
    import_study(real_data / "cells-5raters", root, settings=ImportSettings())
    return Study.open(root)


@pytest.fixture(scope="module")
def lesions(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Study:
    """Three patients with MS lesions."""
    root = tmp_path_factory.mktemp("variants") / "ms"
    import_study(real_data / "ms-lesions", root, settings=MS)
    return Study.open(root)


def check_mean_dice(study: Study, source: str, variant: VariantSettings) -> None:
    """Compare the masks that come out with the clean ones, whatever the provenance says."""
    clean = study.labels(source)
    dice = [
        compute_dice(clean.read(case_id), mask)
        for case_id, mask, _ in make_variant(study, source, variant).iterate_masks()
    ]
    assert len(dice) == len(study.labelled_case_ids(source))
    assert np.mean(dice) == pytest.approx(variant.dice, abs=0.01)


@pytest.mark.parametrize("variant", NINE, ids=lambda variant: variant.name)
def test_a_variant_of_the_demo_study_has_its_dice(demo: Study, variant: VariantSettings) -> None:
    check_mean_dice(demo, "truth", variant)


@pytest.mark.realdata
@pytest.mark.parametrize("variant", NINE, ids=lambda variant: variant.name)
def test_a_variant_of_cells_has_its_dice(cells: Study, variant: VariantSettings) -> None:
    check_mean_dice(cells, "person1_imagej", variant)


@pytest.mark.realdata
@pytest.mark.parametrize("variant", NINE, ids=lambda variant: variant.name)
def test_a_variant_of_ms_lesions_has_its_dice(lesions: Study, variant: VariantSettings) -> None:
    check_mean_dice(lesions, "reference", variant)


@pytest.mark.realdata
def test_lesions_can_be_perturbed_in_three_dimensions(lesions: Study) -> None:
    check_mean_dice(lesions, "reference", VariantSettings(mode="natural", dice=0.90, volumetric=True))
