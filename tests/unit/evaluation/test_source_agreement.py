import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from overread.errors import InputError
from overread.evaluation.source_agreement import (
    CASE_COLUMNS,
    PAIR_COLUMNS,
    SourceAgreement,
    measure_source_agreement,
    tabulate_pairs,
)
from overread.study.schema import SourceSettings
from overread.study.study import Study
from tests.command_line import run_overread
from tests.unit.evaluation.conftest import SHAPE, StudyMaker

CASES = ("s1-1", "s2-1", "s3-1")
LENGTHS = {
    "ann": {"s1-1": 3, "s2-1": 2, "s3-1": 1},
    "ben": {"s1-1": 1, "s2-1": 2, "s3-1": 3},
    "again": {"s1-1": 3, "s2-1": 6},
    "net": {"s1-1": 1, "s2-1": 2, "s3-1": 3},
}
"""Bars of a and b voxels have Dice 2 min(a, b) / (a + b) and IoU min / max; a voxel is 0.01 ml."""


@pytest.fixture
def study(make_study: StudyMaker) -> Study:
    """Two raters, a second reading by one of them, and the masks of a network that repeat the other rater."""
    made = make_study(LENGTHS, CASES)
    kinds = {
        "ann": SourceSettings(kind="human"),
        "ben": SourceSettings(kind="human"),
        "again": SourceSettings(kind="human", rereads="ann"),
        "net": SourceSettings(kind="model"),
    }
    made.settings.model_copy(update={"sources": kinds}).write_yaml(made.root / "study.yaml")
    return Study.open(made.root)


@pytest.fixture
def agreement(study: Study) -> SourceAgreement:
    return measure_source_agreement(study, ["ann", "ben", "again", "net"])[0]


def test_pairs_of_raters_are_told_from_pairs_of_readings(agreement: SourceAgreement) -> None:
    compared = {(pair.first, pair.second): pair.compared for pair in agreement.pairs}
    assert compared.pop(("ann", "again")) == "within a rater"
    assert set(compared.values()) == {"between raters"}
    assert len(compared) == 5
    assert agreement.raters == ("ann", "ben")


def test_a_pair_is_compared_on_the_cases_that_both_have_labelled(agreement: SourceAgreement) -> None:
    table = tabulate_pairs(agreement).set_index(["first", "second"])
    assert tuple(table.reset_index().columns) == PAIR_COLUMNS
    raters, readings = table.loc[("ann", "ben")], table.loc[("ann", "again")]
    # Dice 1/2, 1, 1/2; each case one lesion in each, found in all, matched in one of three with IoU 1.
    assert (raters.dice, raters.case_count) == (pytest.approx(2 / 3), 3)
    assert raters.dice_std == pytest.approx(np.std([0.5, 1.0, 0.5], ddof=1))
    assert (raters.lesion_f1, raters.panoptic_quality) == (1.0, pytest.approx(1 / 3))
    assert (readings.dice, readings.case_count) == (pytest.approx((1 + 1 / 2) / 2), 2)


def test_loads_and_voxels_are_those_of_the_raters_alone(agreement: SourceAgreement) -> None:
    # Loads 3 1, 2 2, 1 3: all means are 2, so MSR = MSC = 0, MSE = 4/2: ICC = -2 / (2 - 2 · 2/3) = -3.
    assert agreement.loads is not None
    assert agreement.loads.icc is not None
    assert agreement.loads.icc.estimate == pytest.approx(-3.0)
    assert (agreement.loads.rater_count, agreement.loads.case_count) == (2, 3)
    # Of 3 · 120 voxels, two raters: 12 foreground values, 4 voxels in dispute: 1 - (720 - 1) 4 / (12 · 708).
    assert agreement.alpha is not None
    assert agreement.alpha.alpha is not None
    assert 3 * np.prod(SHAPE) == 360
    assert agreement.alpha.alpha.estimate == pytest.approx(1 - 719 * 4 / (12 * 708))


def test_a_network_is_held_against_raters_and_against_both_readings(agreement: SourceAgreement) -> None:
    between, within = agreement.networks
    # With ann and ben: (1/2 + 1)/2, 1, (1/2 + 1)/2, over 1/2, 1, 1/2. With ann over both readings: 1/2, 1 over 1, 1/2.
    assert (between.yardstick, between.references) == ("between raters", ("ann", "ben"))
    assert between.ratio.estimate == pytest.approx(2.5 / 2)
    assert (within.yardstick, within.references) == ("within a rater", ("ann",))
    assert within.ratio.estimate == pytest.approx(1.5 / 1.5)
    assert agreement.distributions is not None
    assert (agreement.distributions.networks, agreement.distributions.raters) == (("net",), ("ann", "ben"))
    # A network that repeats one of two raters whose IoU is i: 2 (1 - i)/2 - (1 - i)/2; IoU 1/3, 1, 1/3.
    assert agreement.distributions.energy_distance == pytest.approx((1 / 3 + 0 + 1 / 3) / 3)


def test_cases_of_a_pair_stand_in_one_table(study: Study) -> None:
    _, cases = measure_source_agreement(study, ["ann", "again"])
    assert tuple(cases.columns) == CASE_COLUMNS
    assert cases.case_id.tolist() == ["s1-1", "s2-1"]
    assert cases.subject_id.tolist() == ["s1", "s2"]
    assert cases.first_load.tolist() == pytest.approx([0.03, 0.02])
    assert cases.second_load.tolist() == pytest.approx([0.03, 0.06])
    assert cases.panoptic_quality.tolist() == pytest.approx([1.0, 0.0])  # IoU 1 and 1/3


def test_a_single_rater_has_no_agreement_with_others(study: Study) -> None:
    found, _ = measure_source_agreement(study, ["ann", "again"])
    assert (found.loads, found.alpha, found.networks, found.distributions) == (None, None, (), None)


def test_sources_without_common_cases_have_an_empty_row(make_study: StudyMaker) -> None:
    study = make_study({"ann": {"s1-1": 1}, "ben": {"s2-1": 1}}, ("s1-1", "s2-1"))
    found, cases = measure_source_agreement(study, ["ann", "ben"])
    (row,) = tabulate_pairs(found).itertuples()
    assert np.isnan([row.dice, row.dice_std, row.lesion_f1, row.panoptic_quality]).all()
    assert (row.case_count, len(cases)) == (0, 0)
    assert found.loads is not None
    assert (found.loads.icc, found.loads.left_out) == (None, 2)


def test_one_source_is_refused(study: Study) -> None:
    with pytest.raises(InputError, match="two sources or more, got ann"):
        measure_source_agreement(study, ["ann"])


def test_the_command_prints_and_writes_what_was_found(study: Study, tmp_path: Path) -> None:
    command = ("labels", "agreement", study.root, "--sources", "ann,ben,again,net", "--output", tmp_path / "out")
    done = run_overread(*command)
    assert done.returncode == 0, done.stderr
    for part in ("within a rater 0.750", "ICC(2,1) of loads: −3.000", "Krippendorff's alpha of voxels: 0.661"):
        assert part in done.stdout
    assert "net with ann, ben over agreement between raters: 1.250" in done.stdout
    assert "soft Dice" in done.stdout
    written = json.loads((tmp_path / "out" / "agreement.json").read_text())
    assert written["sources"] == ["ann", "ben", "again", "net"]
    assert tuple(pd.read_csv(tmp_path / "out" / "pairs.csv").columns) == PAIR_COLUMNS
    assert tuple(pd.read_csv(tmp_path / "out" / "cases.csv").columns) == CASE_COLUMNS
    again = run_overread(*command)
    assert again.returncode == 2
    assert "must be new or empty" in again.stderr


def test_the_command_takes_all_sources_that_are_not_derived(study: Study) -> None:
    shown = run_overread("labels", "agreement", study.root).stdout
    assert "again" in shown
    assert "net" not in shown
