"""What becomes of challengers in a real registry, in order, at once, and after a registration that was killed."""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from overread.adapters.model_registry import NETWORK_FOLDER
from overread.errors import TrackingError
from overread.evaluation.results import Interval
from overread.questions.retrain.gate.figures import GateFigures, PassChances, WorstSubject
from overread.questions.retrain.records import NetworkJudgement
from overread.questions.retrain.steps.challenger_run import SETTINGS_FILE, collect_gate_metrics
from overread.questions.retrain.steps.judge_challengers import GATE_FOLDER, NETWORK_JUDGEMENT_FILE
from overread.questions.retrain.steps.manage_networks import promote, refuse, roll_back
from tests.retrainings import GrowingStudy, name_masks
from tests.servers import find_free_ports

NAME = "blocks-2d-ann"
STRICTER = {"dice_margin": 0.01}


class Killed(BaseException):
    """The end of a process, which no `except Exception` catches."""


@contextmanager
def dying_at(call: str, *words: str) -> Iterator[None]:
    """End the process, as it were, where MLflow's client is called with the given arguments; nothing is sent."""
    from mlflow import MlflowClient

    original = getattr(MlflowClient, call)

    def die(self: object, *arguments: Any, **others: Any) -> Any:
        if set(words) <= {*map(str, arguments), *map(str, others.values())}:
            raise Killed
        return original(self, *arguments, **others)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MlflowClient, call, die)
        yield


def list_actions(study: GrowingStudy, labels: str = "ann") -> dict[int, list[str]]:
    return {version.version: [event.action for event in version.history] for version in study.versions(labels)}


class TestDecision:
    def test_a_first_challenger_that_passes_is_champion(self, growing: GrowingStudy) -> None:
        decision = growing.retrain()
        assert (decision.version, decision.is_promoted, decision.champion, decision.reasons) == (1, True, 1, ())
        (version,) = growing.versions()
        assert version.aliases == ("challenger", "champion")
        assert (version.promotion.by, version.promotion.reason, version.promotion.replaces) == (
            "gate",
            "first of its kind",
            None,
        )

    def test_a_first_challenger_that_is_refused_leaves_no_champion(self, growing: GrowingStudy) -> None:
        decision = growing.retrain(refuse="Too few cases.")
        assert (decision.is_promoted, decision.champion, decision.reasons) == (False, None, ("Too few cases.",))
        assert growing.versions()[0].aliases == ("challenger",)
        growing.commit(ann="2")
        assert growing.retrain().champion == 2

    def test_a_later_challenger_that_passes_takes_the_champion_s_place(self, growing: GrowingStudy) -> None:
        growing.retrain()
        growing.commit(ann="2")
        decision = growing.retrain()
        assert (decision.version, decision.is_promoted, decision.champion) == (2, True, 2)
        new, old = growing.versions()
        assert (new.aliases, old.aliases) == (("challenger", "champion"), ())
        assert (new.promotion.replaces, new.predecessors) == (1, (1,))

    def test_a_later_challenger_that_is_refused_leaves_the_champion(self, growing: GrowingStudy) -> None:
        growing.retrain()
        growing.commit(ann="2")
        decision = growing.retrain(refuse="Its Dice is lower.")
        assert (decision.version, decision.is_promoted, decision.champion) == (2, False, 1)
        new, old = growing.versions()
        assert (new.aliases, old.aliases) == (("challenger",), ("champion",))
        (event,) = new.history
        masks = name_masks("2")
        assert event.terms == f"judged by ann {masks}: Dice margin 0.03, load bias limit 0.3, risk 0.2"

    def test_a_mix_is_a_model_of_its_own(self, growing: GrowingStudy) -> None:
        changes = growing.look(sources=("ann", "ben"), mixes=("ann+ben",))
        decisions = growing.register(changes, ben=["Worse."])
        found = [(item.judgement.network.model, item.is_promoted) for item in decisions]
        assert found == [("blocks-2d-ann", True), ("blocks-2d-ben", False), ("blocks-2d-ann+ben", True)]
        (version,) = growing.versions("ann+ben")
        assert set(version.origin.labels) == {"ann", "ben"}

    def test_what_was_refused_by_other_terms_is_decided_anew_as_the_same_version(self, growing: GrowingStudy) -> None:
        growing.retrain()
        growing.commit(ann="2")
        growing.retrain(gate=STRICTER, refuse="Its Dice is lower.")
        decision = growing.retrain()
        assert (decision.version, decision.is_promoted) == (2, True)
        assert list_actions(growing) == {2: ["refused", "promoted"], 1: ["promoted"]}

    def test_the_outcome_of_each_decision_is_kept_not_that_of_the_first(self, growing: GrowingStudy) -> None:
        """Terms are all that tells the two runs apart."""
        refused = growing.retrain(gate=STRICTER, refuse="Off.")
        passed = growing.retrain()
        assert (refused.is_promoted, passed.is_promoted) == (False, True)
        assert len({refused.judgement.settings, passed.judgement.settings}) == 2

    def test_an_older_revision_than_the_champion_s_is_refused_however_good(self, growing: GrowingStudy) -> None:
        first = growing.git("rev-parse", "HEAD")
        newer = growing.commit(ann="2")
        growing.retrain()
        decision = growing.retrain(first)
        assert (decision.version, decision.is_promoted, decision.champion) == (2, False, 1)
        assert decision.reasons == (
            f"The champion learnt from a later revision, {newer[:7]}, than the challenger, {first[:7]}.",
        )
        assert growing.find_states(first) == {"ann": "judged"}
        assert growing.find_states() == {"ann": "current"}

    def test_what_the_gate_says_of_an_older_revision_is_told_too(self, growing: GrowingStudy) -> None:
        first = growing.git("rev-parse", "HEAD")
        growing.commit(ann="2")
        growing.retrain()
        reasons = growing.retrain(first, refuse="Its Dice is lower.").reasons
        assert len(reasons) == 2
        assert reasons[0] == "Its Dice is lower."

    def test_labels_of_an_earlier_champion_make_a_new_version_of_its_training(self, growing: GrowingStudy) -> None:
        growing.retrain()
        growing.commit(ann="2")
        growing.retrain()
        growing.commit(ann="1")
        decision = growing.retrain()
        assert (decision.version, decision.is_promoted, decision.champion) == (3, True, 3)
        third, second, first = growing.versions()
        assert third.run_id == first.run_id != second.run_id
        assert third.predecessors == (2, 1)
        assert growing.find_states() == {"ann": "current"}

    def test_settings_that_go_back_and_forth_at_one_revision_are_decided_each_time(self, growing: GrowingStudy) -> None:
        growing.retrain()
        growing.retrain(epochs=7)
        decision = growing.retrain()
        assert (decision.version, decision.is_promoted, decision.champion) == (3, True, 3)
        assert growing.find_states() == {"ann": "current"}

    def test_a_champion_that_somebody_changed_meanwhile_is_left_alone(self, growing: GrowingStudy) -> None:
        growing.retrain()
        growing.commit(ann="2")
        growing.retrain(refuse="Worse.")
        growing.commit(ann="3")
        register = growing.prepare_registration(growing.look())
        promote(NAME, "2", reason="On purpose.", by="Ann", workspace=None)
        with pytest.raises(TrackingError, match=r"compared with, version 1, got version 2\. Hint: run the pipeline"):
            register()
        assert growing.champion() == 2
        assert list_actions(growing)[3] == []
        decision = growing.retrain()
        assert (decision.version, decision.champion, decision.judgement.network.champion) == (3, 3, 2)


class TestHold:
    DOUBT = "Only 3 held-out subjects count."

    @pytest.fixture
    def held(self, growing: GrowingStudy) -> GrowingStudy:
        """Version 1 is champion, 2 is on hold."""
        growing.retrain()
        growing.commit(ann="2")
        decision = growing.retrain(hold=self.DOUBT)
        assert (decision.version, decision.state, decision.champion) == (2, "held", 1)
        assert decision.reasons == (self.DOUBT,)
        return growing

    def test_leaves_the_champion_and_is_written_down_in_mlflow(self, held: GrowingStudy) -> None:
        new, old = held.versions()
        assert (new.aliases, old.aliases) == (("challenger",), ("champion",))
        (event,) = new.history
        assert (event.action, event.by, event.reason) == ("held", "gate", self.DOUBT)
        assert event.terms.endswith("risk 0.2")
        assert held.registry.client.get_model_version(NAME, "2").tags["decision"] == "held"
        assert held.registry.client.get_run(new.run_id).data.tags["verdict"] == "hold"

    def test_names_the_commands_that_end_it(self, held: GrowingStudy) -> None:
        decision = held.retrain(gate=STRICTER, hold=self.DOUBT)
        assert decision.commands == (
            'overread model promote blocks-2d-ann --version 2 --reason "…"',
            'overread model refuse blocks-2d-ann --version 2 --reason "…"',
        )

    def test_trains_nothing_until_a_human_decides_or_labels_change(self, held: GrowingStudy) -> None:
        (network,) = held.look().networks
        assert (network.state, network.held, network.is_to_train) == ("held", 2, False)
        assert network.held_since == held.versions()[0].history[0].at.timestamp()
        held.commit(ann="3")
        assert held.find_states() == {"ann": "changed"}

    def test_is_judged_again_by_other_terms_as_the_same_version(self, held: GrowingStudy) -> None:
        decision = held.retrain(gate={"risk": 0.4})
        assert (decision.version, decision.state) == (2, "promoted")
        assert list_actions(held) == {2: ["held", "promoted"], 1: ["promoted"]}

    def test_is_ended_by_a_promotion_by_hand(self, held: GrowingStudy) -> None:
        promote(NAME, "challenger", reason="Looks right.", by="Ann", workspace=None)
        assert held.champion() == 2
        assert held.find_states() == {"ann": "current"}
        assert list_actions(held) == {2: ["held", "promoted"], 1: ["promoted", "demoted"]}

    def test_is_ended_by_a_refusal_by_hand_whatever_gate_comes(self, held: GrowingStudy) -> None:
        refuse(NAME, "challenger", reason="Misses small blocks.", by="Ann", workspace=None)
        (network,) = held.look(gate=STRICTER).networks
        assert (network.state, network.held, network.champion) == ("judged", None, 1)
        held.commit(ann="3")
        held.retrain()
        held.commit(ann="2")
        assert held.find_states() == {"ann": "judged"}

    @pytest.mark.parametrize("after", [{}, {"refuse": "Worse."}, {"hold": "As open."}])
    def test_is_superseded_by_the_next_challenger_whatever_becomes_of_it(
        self, held: GrowingStudy, after: dict[str, str]
    ) -> None:
        held.commit(ann="3")
        held.retrain(**after)
        version = held.registry.find_version(NAME, "2")
        assert [event.action for event in version.history] == ["held", "superseded"]
        assert version.history[-1].reason == "version 3 was judged after it"
        held.commit(ann="2")
        assert held.find_states() == {"ann": "changed"}

    def test_of_an_older_revision_than_the_champion_s_is_a_refusal(self, growing: GrowingStudy) -> None:
        first = growing.git("rev-parse", "HEAD")
        growing.commit(ann="2")
        growing.retrain()
        decision = growing.retrain(first, hold=self.DOUBT)
        assert (decision.state, len(decision.reasons)) == ("refused", 1)

    def test_tells_a_repeated_registration_the_same(self, growing: GrowingStudy) -> None:
        register = growing.prepare_registration(growing.look(), doubts={"ann": [self.DOUBT]})
        assert register() == register()
        assert list_actions(growing) == {1: ["held"]}


class TestChampionsSoFar:
    def test_are_all_that_were_promoted_newest_first(self, growing: GrowingStudy) -> None:
        for masks, fate in (("2", {}), ("3", {"refuse": "Worse."}), ("4", {"hold": "Open."})):
            growing.retrain(**fate)
            growing.commit(ann=masks)
        assert growing.look().networks[0].champions == (1,)
        growing.retrain()
        assert growing.look().networks[0].champions == (4, 1)

    def test_include_one_that_a_human_put_another_in_the_place_of(self, growing: GrowingStudy) -> None:
        growing.retrain()
        growing.commit(ann="2")
        growing.retrain(hold="Open.")
        promote(NAME, "2", reason="Looks right.", by="Ann", workspace=None)
        assert growing.look().networks[0].champions == (2, 1)

    def test_leave_out_one_that_a_human_took_back(self, growing: GrowingStudy) -> None:
        for masks in ("2", "3"):
            growing.retrain()
            growing.commit(ann=masks)
        growing.retrain()
        roll_back(NAME, reason="Misses small blocks.", by="Ann", workspace=None)
        assert growing.look().networks[0].champions == (2, 1)
        roll_back(NAME, reason="This one too.", by="Ann", workspace=None)
        assert growing.look().networks[0].champions == (1,)

    def test_stay_where_somebody_took_the_alias_away(self, growing: GrowingStudy) -> None:
        growing.retrain()
        growing.registry.client.delete_registered_model_alias(NAME, "champion")
        (network,) = growing.look().networks
        assert (network.champion, network.champions) == (None, (1,))


class TestInterruption:
    @pytest.mark.parametrize(
        ("call", "words", "left"),
        [
            ("create_model_version", (NAME,), {}),
            ("set_registered_model_alias", ("challenger",), {1: []}),
            ("set_model_version_tag", ("overread.history",), {1: []}),
            ("set_registered_model_alias", ("champion",), {1: ["promoted"]}),
            ("set_model_version_tag", ("overread.settled_events",), {1: ["promoted"]}),
        ],
    )
    def test_a_killed_registration_is_finished_by_the_next_run(
        self, growing: GrowingStudy, call: str, words: tuple[str, ...], left: dict[int, list[str]]
    ) -> None:
        register = growing.prepare_registration(growing.look())
        with dying_at(call, *words), pytest.raises(Killed):
            register()
        assert list_actions(growing) == left
        if growing.find_states() == {"ann": "new"}:
            growing.retrain()
        assert list_actions(growing) == {1: ["promoted"]}
        assert growing.versions()[0].aliases == ("challenger", "champion")
        assert growing.find_states() == {"ann": "current"}

    def test_a_killed_replacement_is_finished_by_the_next_run(self, growing: GrowingStudy) -> None:
        growing.retrain()
        growing.commit(ann="2")
        register = growing.prepare_registration(growing.look())
        with dying_at("set_registered_model_alias", "champion"), pytest.raises(Killed):
            register()
        assert growing.champion() == 1
        assert growing.find_states() == {"ann": "changed"}
        assert growing.retrain().champion == 2
        assert list_actions(growing) == {2: ["promoted"], 1: ["promoted"]}

    def test_a_killed_replacement_of_a_champion_that_is_another_now_is_let_go(self, growing: GrowingStudy) -> None:
        growing.retrain()
        growing.commit(ann="2")
        growing.retrain(refuse="Worse.")
        growing.commit(ann="3")
        register = growing.prepare_registration(growing.look())
        with dying_at("set_registered_model_alias", "champion"), pytest.raises(Killed):
            register()
        promote(NAME, "2", reason="On purpose.", by="Ann", workspace=None)
        (decision,) = register()
        assert (decision.version, decision.is_promoted, decision.champion) == (3, False, 2)
        assert growing.champion() == 2

    def test_a_run_is_repeated_without_another_version_or_event(self, growing: GrowingStudy) -> None:
        register = growing.prepare_registration(growing.look())
        assert register() == register()
        assert list_actions(growing) == {1: ["promoted"]}

    def test_a_repeated_refusal_tells_the_same(self, growing: GrowingStudy) -> None:
        register = growing.prepare_registration(growing.look(), ann=["Off.", "Worse."])
        first, again = register(), register()
        assert first == again
        assert first[0].reasons == ("Off.", "Worse.")
        assert list_actions(growing) == {1: ["refused"]}

    def test_a_decision_that_humans_took_back_is_not_taken_again(self, growing: GrowingStudy) -> None:
        growing.retrain()
        growing.commit(ann="2")
        register = growing.prepare_registration(growing.look())
        register()
        promote(NAME, "1", reason="On purpose.", by="Ann", workspace=None)
        (decision,) = register()
        assert growing.champion() == 1
        assert (decision.state, decision.champion, decision.reasons) == ("refused", 1, ("On purpose.",))

    def test_two_at_once_leave_one_version_and_one_event(self, growing: GrowingStudy) -> None:
        register, barrier = growing.prepare_registration(growing.look()), threading.Barrier(2)

        def work(_: int) -> object:
            barrier.wait()
            return register()

        with ThreadPoolExecutor(2) as pool:
            first, second = pool.map(work, range(2))
        assert first == second
        assert list_actions(growing) == {1: ["promoted"]}

    def test_while_mlflow_is_away_nothing_is_registered_and_the_run_says_so(
        self, growing: GrowingStudy, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        register = growing.prepare_registration(growing.look())
        with monkeypatch.context() as away:
            away.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{find_free_ports(1)[0]}")
            away.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
            with pytest.raises(TrackingError, match="MLflow must be reachable"):
                register()
        assert growing.versions() == ()
        assert register()[0].is_promoted


class TestRecords:
    def test_a_version_says_what_it_was_made_from(self, growing: GrowingStudy, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OVERREAD_CODE_COMMIT", "c0de")
        changes = growing.look()
        growing.register(changes)
        (version,) = growing.versions()
        origin, (network,) = version.origin, changes.networks
        assert (origin.revision, origin.recipe) == (changes.revision, changes.recipe)
        assert (origin.labels, origin.study, origin.code_commit) == (network.digests, "blocks-2d", "c0de")
        tags = growing.registry.client.get_model_version(NAME, "1").tags
        shown = {"source": "ann", "dvc_rev": changes.revision, "git_commit": "c0de", "decision": "promoted"}
        assert shown.items() <= tags.items()

    def test_the_run_of_the_training_has_weights_judgement_and_settings(
        self, growing: GrowingStudy, tmp_path: Path
    ) -> None:
        growing.retrain()
        (version,) = growing.versions()
        folder = growing.registry.download(version, GATE_FOLDER, tmp_path / "run")
        judged = NetworkJudgement.read(folder / NETWORK_JUDGEMENT_FILE)
        assert judged.reference_digests == {"case00": "00"}
        assert "epochs: 1" in (folder / SETTINGS_FILE).read_text()
        assert read_weights(growing, tmp_path) == version.origin.fingerprint

    def test_a_training_whose_run_somebody_deleted_is_registered_with_its_weights(
        self, growing: GrowingStudy, tmp_path: Path
    ) -> None:
        growing.retrain()
        (version,) = growing.versions()
        growing.registry.client.delete_run(version.run_id)
        growing.commit(ann="2")
        growing.retrain()
        growing.commit(ann="1")
        assert growing.retrain().is_promoted
        assert growing.versions()[0].run_id != version.run_id
        assert read_weights(growing, tmp_path) == version.origin.fingerprint

    def test_figures_of_the_gate_become_metrics_of_the_run(self, growing: GrowingStudy) -> None:
        decision = growing.retrain()
        interval = Interval(estimate=0.5, low=0.25, high=0.75)
        figures = GateFigures(
            subject_count=6,
            case_count=7,
            challenger_dice=interval,
            load_bias=interval,
            worst=WorstSubject(subject_id="s1", difference=-0.5),
            chances=PassChances(equal=0.75, at_margin=0.2, beyond=0.0),
            reasons=("Off.",),
        )
        assert collect_gate_metrics(decision.judgement.model_copy(update={"figures": figures})) == {
            "gate_subjects": 6,
            "gate_cases": 7,
            "gate_verdict": -1,
            "gate_challenger_dice": 0.5,
            "gate_load_bias": 0.5,
            "gate_load_bias_low": 0.25,
            "gate_load_bias_high": 0.75,
            "gate_worst_difference": -0.5,
            "gate_chance_equal": 0.75,
            "gate_chance_at_margin": 0.2,
            "gate_chance_beyond": 0.0,
        }
        run = growing.registry.client.get_run(growing.versions()[0].run_id)
        assert {"gate_cases": 5.0, "gate_verdict": 1.0, "kept_validation_dice": 0.5}.items() <= run.data.metrics.items()
        assert run.data.tags["verdict"] == "promote"


def read_weights(study: GrowingStudy, folder: Path) -> str:
    """The weights of the champion, which `GrowingStudy` makes of its fingerprint."""
    champion = study.registry.find_champion(NAME)
    assert champion is not None
    network = study.registry.download(champion, NETWORK_FOLDER, folder / f"version{champion.version}")
    assert json.loads((network / "network.json").read_text()) == {}
    return (network / "network.safetensors").read_text()
