"""Judgements of challengers whose predictions are the masks of a source, against a real registry."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from overread.errors import TrackingError
from overread.evaluation.table import read_comparisons
from overread.questions.retrain.records import LeftOutChampion, NetworkDecision, NetworkJudgement, RetrainingJudgement
from overread.questions.retrain.steps import judge_challengers
from overread.questions.retrain.steps.judge_challengers import COMPARISONS_FILE, JUDGEMENT_FILE, list_gate_figures
from overread.questions.retrain.steps.manage_networks import promote
from overread.questions.retrain.steps.predict_challengers import LEFT_OUT_FILE, LeftOutChampions
from overread.study.rasters import write_mask
from tests.retrainings import GrowingStudy, Registration

HELD_OUT = ("case00", "case09", "case13", "case14", "case15")
GATE = {"load_bias_limit": 0.5}


@dataclass(frozen=True)
class Judged:
    """What the step found, and the registration that comes next."""

    judgement: RetrainingJudgement
    registration: Registration

    @property
    def only(self) -> NetworkJudgement:
        (found,) = self.judgement.networks
        return found

    def register(self) -> NetworkDecision:
        (decision,) = self.registration()
        return decision


def judge(
    growing: GrowingStudy,
    predictions: Mapping[str, str],
    *,
    left_out: tuple[LeftOutChampion, ...] = (),
    **choice: object,
) -> Judged:
    """Judge networks that predict what sources have drawn, `predictions` by name of the label set."""
    changes = growing.look(**{"gate": GATE, **choice})
    prepared = growing.prepare_registration(changes)
    folder, output = growing._name("predictions"), growing._name("judged")
    for name, source in predictions.items():
        shutil.copytree(growing.study.labels(source).folder, folder / name)
    LeftOutChampions(champions={"ann": left_out}).write(folder / LEFT_OUT_FILE)
    judgement = judge_challengers.run(growing.study.root, *prepared.files, prepared.networks, folder, output=output)
    return Judged(judgement, Registration(growing, *prepared.files, prepared.networks, output))


def redraw(growing: GrowingStudy, source: str, *case_ids: str) -> None:
    for case_id in case_ids:
        mask = np.zeros((16, 16), np.bool_)
        mask[:4, :5] = True
        write_mask(growing.study.labels(source).path(case_id), mask, None)


@pytest.fixture
def champion(growing: GrowingStudy) -> GrowingStudy:
    """The champion of ann predicts what ann has drawn; her labels of today are others."""
    assert judge(growing, {"challenger-ann": "ann"}).register().is_promoted
    growing.commit(ann="2")
    return growing


class TestFirstChampion:
    def test_is_judged_on_all_held_out_cases(self, growing: GrowingStudy) -> None:
        found = judge(growing, {"challenger-ann": "ann"}).only
        assert (found.counted_cases, found.other_cases) == (HELD_OUT, ())
        assert found.figures.verdict == "promote"
        assert (found.figures.anchor, found.figures.subject_count) == (None, 5)
        assert found.figures.challenger_dice is not None
        assert found.figures.challenger_dice.estimate == 1.0
        assert set(found.reference_digests) == set(HELD_OUT)

    def test_is_held_where_too_few_subjects_are_outlined(self, growing: GrowingStudy) -> None:
        predictions = {"challenger-ann": "ben"}
        growing.study.labels("ann").path("case13").unlink()
        found = judge(growing, predictions, gate={"load_bias_limit": 9}).only
        assert found.figures.doubts == ("Only 4 held-out subjects count, and with fewer than 5 nothing can be told.",)

    def test_is_refused_where_it_learnt_too_little(self, growing: GrowingStudy) -> None:
        """It marks everything, so that it does as well as a mask that ignores the image does."""
        changes = growing.look()
        prepared = growing.prepare_registration(changes)
        folder = growing._name("predictions")
        for case_id in growing.study.case_ids:
            path = folder / "challenger-ann" / growing.study.labels("ann").path(case_id).name
            write_mask(path, np.ones((16, 16), np.bool_), None)
        LeftOutChampions(champions={}).write(folder / LEFT_OUT_FILE)
        output = growing._name("judged")
        run = judge_challengers.run
        (found,) = run(growing.study.root, *prepared.files, prepared.networks, folder, output=output).networks
        assert found.figures.skill is not None
        assert found.figures.skill.value <= 0
        assert found.figures.reasons[0].startswith("It learnt too little")
        (decision,) = Registration(growing, *prepared.files, prepared.networks, output)()
        assert (decision.state, decision.champion) == ("refused", None)

    def test_is_refused_where_its_loads_are_off(self, growing: GrowingStudy) -> None:
        """ben draws a voxel more on every side of squares of 6 to 10."""
        found = judge(growing, {"challenger-ann": "ben"}, gate={**GATE, "load_bias_limit": 0.1}).only
        assert len(found.figures.reasons) == 1
        assert found.figures.reasons[0].startswith("Its load bias lies beyond ±0.1")

    def test_is_held_where_the_reference_has_drawn_nothing(self, growing: GrowingStudy) -> None:
        for case_id in HELD_OUT:
            write_mask(growing.study.labels("ann").path(case_id), np.zeros((16, 16), np.bool_), None)
        found = judge(growing, {"challenger-ann": "ben"}).only
        assert (found.figures.load_bias, found.figures.skill, found.figures.verdict) == (None, None, "hold")
        assert found.figures.doubts[0].startswith("The load bias cannot be told")

    def test_is_held_where_the_reference_has_no_held_out_case(self, growing: GrowingStudy) -> None:
        predictions = {"challenger-ann": "ben"}
        for case_id in HELD_OUT:
            growing.study.labels("ann").path(case_id).unlink()
        found = judge(growing, predictions).only
        assert (found.figures.case_count, found.counted_cases, found.dice) == (0, (), ())
        assert found.figures.verdict == "hold"


class TestCountedCases:
    BOTH = (("challenger-ann", "ann"), ("champion1-ann", "ann"))

    def test_are_those_whose_reference_masks_are_as_they_were(self, champion: GrowingStudy) -> None:
        redraw(champion, "ann", "case01", "case02")
        found = judge(champion, dict(self.BOTH)).only
        assert (found.counted_cases, found.other_cases) == (HELD_OUT, ())

    def test_leave_out_changed_masks_however_well_they_fit_the_challenger(self, champion: GrowingStudy) -> None:
        redraw(champion, "ann", "case09", "case15")
        found = judge(champion, {"challenger-ann": "ann", "champion1-ann": "ben"}).only
        assert (found.counted_cases, found.other_cases) == (("case00", "case13", "case14"), ("case09", "case15"))
        assert found.figures.case_count == 3

    def test_leave_out_new_masks(self, growing: GrowingStudy) -> None:
        path = growing.study.labels("ann").path("case13")
        kept = path.read_bytes()
        predictions = {"challenger-ann": "ben"}
        path.unlink()
        judge(growing, predictions, gate={**GATE, "load_bias_limit": 9}).register()
        promote("blocks-2d-ann", "1", reason="On purpose.", by="Ann", workspace=None)
        path.write_bytes(kept)
        growing.commit(ann="2")
        found = judge(growing, dict(self.BOTH)).only
        assert found.other_cases == ("case13",)

    def test_count_from_the_next_champion_on(self, champion: GrowingStudy) -> None:
        redraw(champion, "ann", "case09")
        assert judge(champion, dict(self.BOTH)).register().state == "held"
        promote("blocks-2d-ann", "2", reason="The new mask is right.", by="Ann", workspace=None)
        champion.commit(ann="3")
        assert judge(champion, {**dict(self.BOTH), "champion2-ann": "ben"}).only.counted_cases == HELD_OUT

    def test_are_too_few_where_a_batch_changes_most_of_them(self, champion: GrowingStudy) -> None:
        redraw(champion, "ann", *HELD_OUT[:3])
        figures = judge(champion, dict(self.BOTH)).only.figures
        assert (figures.case_count, figures.verdict, figures.chances) == (2, "hold", None)

    def test_are_all_where_the_champion_was_judged_by_another_source(self, champion: GrowingStudy) -> None:
        redraw(champion, "ben", "case09")
        found = judge(champion, {"challenger-ann": "ben", "champion1-ann": "ann"}, reference="ben").only
        assert (found.counted_cases, found.other_cases) == (HELD_OUT, ())

    def test_cannot_be_told_without_the_champion_s_judgement(self, champion: GrowingStudy) -> None:
        for path in (champion.folder / "mlflow").rglob("network_judgement.json"):
            path.unlink()
        with pytest.raises(TrackingError, match=r"network_judgement\.json of blocks-2d-ann version 1"):
            judge(champion, dict(self.BOTH))


class TestComparison:
    def test_refuses_what_is_worse_than_the_champion(self, champion: GrowingStudy) -> None:
        found = judge(champion, {"challenger-ann": "ben", "champion1-ann": "ann"}, gate={**GATE, "load_bias_limit": 9})
        assert len(found.only.figures.reasons) == 1
        assert found.only.figures.reasons[0].startswith(
            "Its Dice is lower than that of the best champion so far, version 1, by more than 0.03: -0."
        )
        assert found.register().state == "refused"

    def test_is_with_the_best_champion_so_far_on_the_masks_of_today(self, champion: GrowingStudy) -> None:
        """Version 2, a human's choice, predicts what ben draws; version 1 is still the better one."""
        both = {"challenger-ann": "ben", "champion1-ann": "ann"}
        gate = {"load_bias_limit": 9}
        judge(champion, both, gate=gate).register()
        promote("blocks-2d-ann", "2", reason="On purpose.", by="Ann", workspace=None)
        champion.commit(ann="3")
        found = judge(champion, {**both, "champion2-ann": "ben"}, gate=gate).only
        assert (found.network.champion, found.figures.anchor, found.figures.verdict) == (2, 1, "refuse")
        assert [score.version for score in found.figures.scores] == [2, 1]
        assert found.figures.champion_difference is not None
        assert found.figures.champion_difference.estimate == 0
        assert found.compared_masks == "champion1-ann"
        lost = LeftOutChampion(version=1, reason="It is gone.")
        alone = judge(champion, {"challenger-ann": "ben", "champion2-ann": "ben"}, gate=gate, left_out=(lost,)).only
        assert (alone.figures.anchor, alone.figures.verdict, alone.left_out) == (2, "promote", (lost,))

    def test_tells_dice_against_every_source_that_is_needed(self, growing: GrowingStudy) -> None:
        found = judge(growing, {"challenger-ann": "ann"}, reference="ben").only
        dice = {item.reference: (item.case_count, item.challenger.estimate, item.champion) for item in found.dice}
        assert dice["ann"] == (5, 1.0, None)
        count, against_ben, _ = dice["ben"]
        assert (count, against_ben) == (5, found.figures.challenger_dice.estimate)
        assert 0.6 < against_ben < 0.9

    def test_keeps_networks_apart(self, growing: GrowingStudy, tmp_path: Path) -> None:
        predictions = {"challenger-ann": "ann", "challenger-ben": "ann", "challenger-ann+ben": "ben"}
        judged = judge(growing, predictions, sources=("ann", "ben"), mixes=("ann+ben",), gate=GATE)
        dice = [item.figures.challenger_dice.estimate for item in judged.judgement.networks]
        assert dice[0] == 1.0 > dice[1] == dice[2]
        figures = list_gate_figures(judged.judgement)
        assert (figures["ann verdict"], figures["ann challenger dice"]) == (1, 1.0)
        assert figures["ann+ben load bias"] > 0 > figures["ben load bias"]
        output = judged.registration.judgement
        assert RetrainingJudgement.read(output / JUDGEMENT_FILE) == judged.judgement
        table = read_comparisons(output / COMPARISONS_FILE)
        assert len(table) == 3 * 2 * 5
        assert set(table["case_id"]) == set(HELD_OUT)
