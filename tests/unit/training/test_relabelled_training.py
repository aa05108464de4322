"""Training that relabels its masks on the way, reweights its pixels, or estimates uncertainty with several networks."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from overread.errors import InputError
from overread.evaluation.overlap import compute_dice
from overread.inference.settings import UncertaintySettings
from overread.inference.uncertainty_maps import UncertaintyMaps, read_uncertainty
from overread.labels.relabel_rules.change import LeaveAlone, RuleCase
from overread.labels.relabelling import relabel_case
from overread.labels.uncertainty_threshold import choose_threshold
from overread.networks.build import build_network
from overread.networks.ensemble import NetworkEnsemble
from overread.networks.settings import NetworkSettings
from overread.study.study import Study
from overread.training import relabelled_training
from overread.training.epoch_choice import has_learnt
from overread.training.history import EpochReport, read_history
from overread.training.job import run_training_job
from overread.training.loop import Session
from overread.training.relabel_record import UNCERTAINTY_FOLDER, RelabelRecord, open_relabelled
from overread.training.result import TrainingJob, TrainingResult
from overread.training.settings import Relabelling
from tests.doubtful_studies import find_first_row
from tests.relabel_rules import WIDE, flip
from tests.studies import make_preset, write_squares

EPOCHS = 5


def make_job(correction: Relabelling | str | None, *, validation_source: str = "ann") -> TrainingJob:
    return TrainingJob.parse(
        {
            "source": "ben",
            "network": "unet",
            "fold": 0,
            "repeat": 0,
            "seed": 7,
            "train_cases": ("case00", "case01", "case02"),
            "validation_cases": ("case03",),
            "test_cases": ("case04",),
            "validation_source": validation_source,
            "keep": "last",
            "correction": correction,
        },
        where="test",
    )


def make_relabelling(**values: object) -> Relabelling:
    uncertainty = UncertaintySettings(method=values.pop("method", "tta"), samples=2, shift_voxels=1)  # type: ignore[arg-type]
    settings = {"uncertainty": uncertainty, "members": 1, "after": 2, "rule": "contradicted", "guards": WIDE}
    return Relabelling.parse(settings | values, where="test")


def run(study: Study, folder: Path, job: TrainingJob, *, stop_after: int = 0) -> TrainingResult:
    def on_epoch(reports: tuple[EpochReport, ...]) -> None:
        if stop_after and len(reports) == stop_after:
            raise KeyboardInterrupt

    session = Session(torch.device("cpu"), folder.parent / "checkpoint.pt", "f", on_epoch)  # type: ignore[arg-type]
    preset = make_preset(2, epochs=EPOCHS)
    preset = preset.model_copy(update={"training": preset.training.model_copy(update={"precision": "fp32"})})
    return run_training_job(study, job, preset, folder=folder, session=session)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return write_squares(tmp_path_factory.mktemp("relabelled") / "study")


@pytest.fixture(scope="module")
def trained(study: Study, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training that relabels after its second epoch."""
    folder = tmp_path_factory.mktemp("relabelled") / "network"
    run(study, folder, make_job(make_relabelling()))
    return folder


def test_it_goes_on_after_the_chosen_epoch_to_the_last(trained: Path) -> None:
    record, result = RelabelRecord.read(trained), TrainingResult.read(trained)
    history = read_history(trained / "history.csv")
    assert (record.rule, record.chosen_epoch, len(record.watched)) == (2, 2, 2)
    assert [report.epoch for report in history] == [1, 2, 3, 4, 5]
    assert history[:2] == record.watched
    assert (result.epochs, result.kept_epoch, result.kept_validation_dice) == (5, 5, history[-1].validation_dice)


def test_uncertainty_is_watched_until_relabelling_and_both_dice_throughout(trained: Path) -> None:
    history = read_history(trained / "history.csv")
    assert [report.cumulative_uncertainty is not None for report in history] == [True, True, False, False, False]
    assert all(report.learnt_dice is not None and report.learnt_dice != report.validation_dice for report in history)


def test_masks_follow_from_the_maps_beside_them(study: Study, trained: Path) -> None:
    record, masks = RelabelRecord.read(trained), open_relabelled(trained, ".png")
    maps = {case_id: read_uncertainty(trained / UNCERTAINTY_FOLDER, case_id, ".png") for case_id in record.cases}
    assert set(maps) == {"case00", "case01", "case02", "case03"}
    assert record.threshold == choose_threshold(maps[name].aleatoric for name in ("case00", "case01", "case02"))
    assert record.threshold is not None
    settings = flip(record.threshold, which="contradicted", largest_change=None)
    for case_id, found in maps.items():
        mask = study.labels("ben").read(case_id)
        expected = relabel_case(RuleCase(mask, found.aleatoric, found.probability, (1.0, 1.0)), settings)
        assert np.array_equal(masks.read(case_id), expected.mask)
        assert record.cases[case_id].changed_count == expected.changed_count
    assert record.estimate_count == 2 * 3 + 4


def test_a_threshold_that_nothing_exceeds_gives_the_network_of_a_plain_training(study: Study, tmp_path: Path) -> None:
    """Only the optimiser's memory differs; relabelling after the last epoch leaves no step to show it."""
    relabelled, plain = tmp_path / "a" / "network", tmp_path / "b" / "network"
    for folder in (relabelled, plain):
        folder.parent.mkdir()
    run(study, relabelled, make_job(make_relabelling(after=EPOCHS, threshold=0.2499)))
    run(study, plain, make_job(None))
    first, second = (load_file(folder / "network.safetensors") for folder in (relabelled, plain))
    assert all(torch.equal(first[name], second[name]) for name in first)
    masks = open_relabelled(relabelled, ".png")
    assert np.array_equal(masks.read("case00"), study.labels("ben").read("case00"))


@pytest.mark.parametrize("stop_after", [1, 4])
def test_an_interrupted_one_ends_with_the_same_weights_and_masks(
    study: Study, trained: Path, tmp_path: Path, stop_after: int
) -> None:
    job = make_job(make_relabelling())
    with pytest.raises(KeyboardInterrupt):
        run(study, tmp_path / "network", job, stop_after=stop_after)
    run(study, tmp_path / "network", job)
    first, second = (load_file(folder / "network.safetensors") for folder in (trained, tmp_path / "network"))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert RelabelRecord.read(tmp_path / "network").cases == RelabelRecord.read(trained).cases


def test_the_rule_of_uncertainty_stops_two_epochs_after_its_minimum_or_at_the_end(study: Study, tmp_path: Path) -> None:
    run(study, tmp_path / "network", make_job(make_relabelling(after="uncertainty")))
    record = RelabelRecord.read(tmp_path / "network")
    sums = [report.cumulative_uncertainty or 0 for report in record.watched]
    able = [has_learnt(record.watched, index) for index in range(len(sums))]
    changes = [
        (now - before) / before if is_able else 9.0
        for (before, now), is_able in zip(pairwise(sums), able[1:], strict=True)
    ]
    assert any(able[1:])
    assert record.chosen_epoch == changes.index(min(changes)) + 2
    assert len(record.watched) in (record.chosen_epoch + 2, EPOCHS)


def test_the_rule_of_clean_labels_takes_the_best_validation(study: Study, tmp_path: Path) -> None:
    run(study, tmp_path / "network", make_job(make_relabelling(after="clean")))
    record = RelabelRecord.read(tmp_path / "network")
    dice = [report.validation_dice or 0 for report in record.watched]
    assert record.chosen_epoch == dice.index(max(dice)) + 1


def test_a_network_that_says_nothing_leaves_the_labels_as_they_are_and_the_record_says_why(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All labels would be erased at 0.5, as by a network at an early epoch."""

    def say_nothing(*_: object, **__: object) -> UncertaintyMaps:
        silent = np.full((24, 24), 0.2, np.float32)
        return UncertaintyMaps(silent, silent * 0.8, silent * 0)

    monkeypatch.setattr(relabelled_training, "estimate_uncertainty", say_nothing)
    run(study, tmp_path / "network", make_job(make_relabelling(threshold=0.1, guards={})))
    record, masks = RelabelRecord.read(tmp_path / "network"), open_relabelled(tmp_path / "network", ".png")
    assert record.stopped == "4 of 4 new masks were refused, more than 50%"
    for case_id, change in record.cases.items():
        assert (change.refusal, change.area_ratio, change.is_kept) == ("empty", 0.0, True)
        assert np.array_equal(masks.read(case_id), study.labels("ben").read(case_id))
    assert [report.epoch for report in read_history(tmp_path / "network" / "history.csv")] == [1, 2, 3, 4, 5]


def test_a_repair_that_shrinks_labels_altogether_is_stopped_though_no_case_is_refused(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The network contradicts all of each label but its first row."""

    def say_little(_: Study, case_id: str, *__: object, **___: object) -> UncertaintyMaps:
        mask = study.labels("ben").read(case_id)
        probability = np.where(mask & ~find_first_row(mask), 0.4, 0.9).astype(np.float32)
        return UncertaintyMaps(probability, np.where(mask, 0.2, 0.0).astype(np.float32), probability * 0)

    monkeypatch.setattr(relabelled_training, "estimate_uncertainty", say_little)
    run(study, tmp_path / "network", make_job(make_relabelling(threshold=0.1, guards={"least_area": 0.0})))
    record, masks = RelabelRecord.read(tmp_path / "network"), open_relabelled(tmp_path / "network", ".png")
    assert "of their labels' area, less than 50%" in record.stopped
    assert {change.refusal for change in record.cases.values()} == {""}
    assert all(change.is_kept for change in record.cases.values())
    assert np.array_equal(masks.read("case00"), study.labels("ben").read("case00"))


def test_clean_validation_cases_choose_the_change_and_the_record_names_them(study: Study, tmp_path: Path) -> None:
    run(study, tmp_path / "network", make_job(make_relabelling(rule="clean")))
    repair = RelabelRecord.read(tmp_path / "network").repair
    assert (repair.rule, repair.clean_case_ids, len(repair.grid)) == ("clean", ("case03",), 97)
    assert repair.change == max(repair.grid, key=lambda scored: scored.score).change
    before = compute_dice(study.labels("ann").read("case03"), study.labels("ben").read("case03"))
    assert repair.grid[0].score == before


def test_without_another_source_to_judge_by_no_label_is_clean(study: Study, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="needs cases with clean labels"):
        run(study, tmp_path / "network", make_job(make_relabelling(rule="clean"), validation_source=""))


def test_edges_choose_the_change_and_look_at_no_clean_label(study: Study, tmp_path: Path) -> None:
    """ben outlines a voxel too much, so that the images give no reason to grow."""
    run(study, tmp_path / "network", make_job(make_relabelling(rule="edge")))
    record = RelabelRecord.read(tmp_path / "network")
    assert record.repair.verdict in ("shrink", "leave alone", "no edges")
    assert record.repair.change == LeaveAlone()
    assert record.repair.remark.startswith("left alone")
    assert (record.threshold, record.repair.uses_clean_labels, record.stopped) == (None, False, "")
    masks = open_relabelled(tmp_path / "network", ".png")
    assert np.array_equal(masks.read("case00"), study.labels("ben").read("case00"))


@pytest.mark.parametrize(("method", "members"), [("mc_dropout", 1), ("ensemble", 2)])
def test_other_methods_relabel_too(study: Study, tmp_path: Path, method: str, members: int) -> None:
    run(study, tmp_path / "network", make_job(make_relabelling(method=method, members=members)))
    assert 0 < (RelabelRecord.read(tmp_path / "network").threshold or 0) < 0.25
    assert set(load_file(tmp_path / "network" / "network.safetensors")) == set(
        build_network(NetworkSettings(channels=(4, 8)), dimensions=2, channel_count=1).state_dict()
    )


def test_reweighting_learns_from_the_clean_validation_cases(study: Study, tmp_path: Path) -> None:
    """The same noisy labels, once with clean and once with noisy labels to weigh them by."""
    weights = []
    for name, source in (("clean", "ann"), ("noisy", "ben")):
        folder = tmp_path / name / "network"
        folder.parent.mkdir()
        result = run(study, folder, make_job("reweight", validation_source=source))
        assert result.job.name == "unet-ben-reweight-fold0-repeat0"
        weights.append(load_file(folder / "network.safetensors"))
    assert any(not torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_an_ensemble_answers_with_the_mean_probability_of_its_members() -> None:
    """Constant members with probabilities 0.2 and 0.6: the logit of 0.4."""
    members = []
    for probability in (0.2, 0.6):
        member = torch.nn.Conv2d(1, 1, 1)
        torch.nn.init.zeros_(member.weight)
        torch.nn.init.constant_(member.bias, float(torch.logit(torch.tensor(probability))))
        members.append(member)
    answer = NetworkEnsemble(members)(torch.ones(1, 1, 2, 2))
    assert torch.allclose(answer.sigmoid(), torch.full((1, 1, 2, 2), 0.4))
