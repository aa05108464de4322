"""Which networks have something new to learn, by real git histories and a real registry."""

import shutil
from pathlib import Path

import pytest

from overread.errors import InputError, SettingsError, TrackingError, VersioningError
from overread.questions.retrain.records import StudyChanges
from tests.retrainings import GrowingStudy, name_masks
from tests.servers import find_free_ports
from tests.studies import make_preset

ALL = {"sources": ("ann", "ben"), "mixes": ("ann+ben",)}
STRICTER = {"dice_margin": 0.01}


class TestStates:
    def test_a_network_without_a_champion_is_new(self, growing: GrowingStudy) -> None:
        changes = growing.look()
        (network,) = changes.networks
        assert (network.state, network.champion, network.revisions_behind) == ("new", None, 0)
        assert network.digests == {"ann": name_masks("1")}
        assert changes.to_train == (network,)

    def test_a_champion_that_learnt_the_labels_is_current(self, growing: GrowingStudy) -> None:
        growing.retrain()
        growing.commit(ben="2")
        changes = growing.look()
        assert [network.state for network in changes.networks] == ["current"]
        assert changes.to_train == ()

    def test_other_labels_are_a_change_counted_in_revisions_that_touched_them(self, growing: GrowingStudy) -> None:
        growing.retrain()
        since = growing.git("rev-parse", "HEAD")
        growing.commit(ann="2")
        growing.commit(ben="2")
        growing.commit(ann="3")
        (network,) = growing.look().networks
        assert (network.state, network.champion, network.revisions_behind) == ("changed", 1, 2)
        assert network.champion_revision == since
        assert network.champion_since == growing.versions()[0].promotion.at.timestamp()

    def test_labels_of_a_refused_challenger_are_judged(self, growing: GrowingStudy) -> None:
        growing.retrain()
        growing.commit(ann="2")
        growing.retrain(refuse="Worse.")
        (network,) = growing.look().networks
        assert (network.state, network.champion, network.revisions_behind) == ("judged", 1, 1)

    def test_labels_of_a_refused_first_challenger_are_judged_too(self, growing: GrowingStudy) -> None:
        growing.retrain(refuse="Worse.")
        (network,) = growing.look().networks
        assert (network.state, network.champion) == ("judged", None)
        assert network.describe_state().endswith("no champion yet")

    def test_other_terms_of_the_gate_have_a_refused_challenger_judged_again(self, growing: GrowingStudy) -> None:
        growing.retrain()
        growing.commit(ann="2")
        growing.retrain(refuse="Worse.")
        assert growing.find_states(gate=STRICTER) == {"ann": "changed"}
        assert growing.find_states(reference="ben") == {"ann": "changed"}
        growing.retrain(gate=STRICTER, refuse="Worse.")
        assert growing.find_states(gate=STRICTER) == {"ann": "judged"}

    def test_other_masks_of_the_reference_have_a_refused_challenger_judged_again(self, growing: GrowingStudy) -> None:
        growing.retrain(reference="ben", refuse="Few cases.")
        assert growing.find_states(reference="ben") == {"ann": "judged"}
        growing.commit(ben="2")
        assert growing.find_states(reference="ben") == {"ann": "new"}
        assert growing.find_states() == {"ann": "new"}
        assert growing.retrain(reference="ben").is_promoted

    def test_other_terms_of_the_gate_leave_a_champion_alone(self, growing: GrowingStudy) -> None:
        growing.retrain()
        assert growing.find_states(gate=STRICTER) == {"ann": "current"}
        assert growing.find_states(reference="ben") == {"ann": "current"}

    def test_another_network_or_training_is_a_change(self, growing: GrowingStudy) -> None:
        growing.retrain()
        assert growing.find_states(epochs=7) == {"ann": "changed"}
        make_preset(2, epochs=1, dropout=0.5).write_yaml(growing.preset)
        assert growing.find_states() == {"ann": "changed"}

    def test_what_a_preset_says_of_words_and_reports_is_none(self, growing: GrowingStudy) -> None:
        growing.retrain()
        preset = make_preset(2, epochs=1).model_copy(update={"description": "Other words.", "surface_tolerance": 2.0})
        preset.write_yaml(growing.preset)
        assert growing.find_states() == {"ann": "current"}

    def test_only_networks_that_learn_the_changed_source_are_retrained(self, growing: GrowingStudy) -> None:
        growing.register(growing.look(**ALL))
        assert set(growing.find_states(**ALL).values()) == {"current"}
        growing.commit(ben="2")
        assert growing.find_states(**ALL) == {"ann": "current", "ben": "changed", "ann+ben": "changed"}
        (mix,) = [network for network in growing.look(**ALL).networks if network.labels == "ann+ben"]
        assert mix.digests == {"ann": name_masks("1"), "ben": name_masks("2")}
        assert (mix.model, mix.reference, mix.revisions_behind) == ("blocks-2d-ann+ben", "ann", 1)

    def test_a_change_of_the_reference_alone_retrains_nothing(self, growing: GrowingStudy) -> None:
        growing.retrain(reference="ben")
        growing.commit(ben="2")
        assert growing.find_states(reference="ben") == {"ann": "current"}


class TestHistory:
    def test_labels_that_go_back_to_those_of_the_champion_are_current(self, growing: GrowingStudy) -> None:
        growing.retrain()
        growing.commit(ann="2")
        growing.retrain(refuse="Worse.")
        growing.commit(ann="1")
        (network,) = growing.look().networks
        assert (network.state, network.revisions_behind) == ("current", 0)

    def test_labels_that_go_back_to_those_of_an_earlier_champion_are_judged_anew(self, growing: GrowingStudy) -> None:
        growing.retrain()
        growing.commit(ann="2")
        growing.retrain()
        growing.commit(ann="1")
        assert growing.find_states() == {"ann": "changed"}
        growing.retrain(refuse="Worse.")
        assert growing.find_states() == {"ann": "judged"}

    def test_a_revision_before_that_of_the_champion_is_known_as_such(self, growing: GrowingStudy) -> None:
        first = growing.commit()
        growing.commit(ann="2")
        growing.retrain()
        assert not growing.look().networks[0].champion_is_later
        (network,) = growing.look(first).networks
        assert (network.state, network.champion_is_later) == ("changed", True)

    def test_a_branch_beside_that_of_the_champion_is_not_before_it(self, growing: GrowingStudy) -> None:
        growing.git("branch", "side")
        growing.commit(ann="2")
        growing.commit(ann="3")
        growing.retrain()
        growing.git("checkout", "--quiet", "side")
        growing.commit(ann="4")
        assert not growing.look("side").networks[0].champion_is_later

    def test_a_history_that_has_forgotten_the_champion_s_commit_goes_on(self, growing: GrowingStudy) -> None:
        growing.commit(ann="2")
        growing.commit(ann="3")
        growing.retrain()
        shutil.rmtree(growing.repository / ".git")
        growing.git("init", "--quiet", "-b", "main")
        growing.commit(ann="4")
        changes = growing.look()
        (network,) = changes.networks
        assert (network.state, network.champion, network.revisions_behind) == ("changed", 1, 1)
        assert growing.retrain().is_promoted

    def test_the_named_revision_counts_not_the_newest(self, growing: GrowingStudy) -> None:
        first = growing.git("rev-parse", "HEAD")
        growing.retrain()
        growing.commit(ann="2")
        assert growing.find_states(first) == {"ann": "current"}
        assert growing.look(first).revision == first


class TestHumans:
    def test_a_version_that_was_promoted_by_hand_is_current(self, growing: GrowingStudy) -> None:
        from overread.questions.retrain.steps.manage_networks import promote

        growing.retrain()
        growing.commit(ann="2")
        growing.retrain(refuse="Worse.")
        promote("blocks-2d-ann", "2", reason="On purpose.", by="Ann", workspace=None)
        assert growing.find_states() == {"ann": "current"}

    def test_what_was_taken_back_by_hand_is_not_judged_again_even_after_others(self, growing: GrowingStudy) -> None:
        from overread.questions.retrain.steps.manage_networks import roll_back

        growing.retrain()
        growing.commit(ann="2")
        growing.retrain()
        roll_back("blocks-2d-ann", reason="Misses small blocks.", by="Ann", workspace=None)
        assert growing.find_states() == {"ann": "judged"}
        growing.commit(ann="3")
        growing.retrain(refuse="Worse.")
        growing.commit(ann="2")
        assert growing.find_states() == {"ann": "judged"}

    def test_an_alias_that_was_moved_back_in_mlflow_stays_there(self, growing: GrowingStudy) -> None:
        growing.retrain()
        growing.commit(ann="2")
        growing.retrain()
        growing.registry.client.set_registered_model_alias("blocks-2d-ann", "champion", "1")
        (network,) = growing.look().networks
        assert (network.state, network.champion) == ("judged", 1)

    def test_a_champion_of_another_tool_is_refused_before_anything_is_trained(self, growing: GrowingStudy) -> None:
        growing.retrain()
        client = growing.registry.client
        made = client.create_model_version("blocks-2d-ann", "s3://elsewhere/model")
        client.set_registered_model_alias("blocks-2d-ann", "champion", made.version)
        with pytest.raises(TrackingError, match=r"alias champion of blocks-2d-ann .* got version 2\. Hint: `overread"):
            growing.look()

    def test_versions_of_another_tool_are_left_out(self, growing: GrowingStudy) -> None:
        growing.retrain()
        growing.registry.client.create_model_version("blocks-2d-ann", "s3://elsewhere/model")
        assert growing.find_states() == {"ann": "current"}

    def test_tags_that_were_damaged_are_named(self, growing: GrowingStudy) -> None:
        growing.retrain()
        growing.registry.client.set_model_version_tag("blocks-2d-ann", "1", "overread.origin", "{}")
        with pytest.raises(TrackingError, match=r"blocks-2d-ann version 1: 10 fields differ"):
            growing.look()


class TestRecord:
    def test_reads_back_as_it_was_found(self, growing: GrowingStudy) -> None:
        found = growing.look(**ALL)
        (path,) = growing.folder.glob("changes*")
        assert StudyChanges.read(path) == found

    def test_names_every_source_that_is_learnt_or_judged_by_once(self, growing: GrowingStudy) -> None:
        assert growing.look(sources=("ann",), reference="ben").needed_sources == ("ann", "ben")
        assert growing.look(**ALL).needed_sources == ("ann", "ben")

    def test_all_raters_have_a_network_unless_sources_are_chosen(self, growing: GrowingStudy) -> None:
        assert list(growing.find_states(sources=())) == ["ann", "ben"]


class TestRefusal:
    @pytest.mark.parametrize(
        ("choice", "message"),
        [
            ({"sources": ("zoe",)}, r"a source must be one of the study, got 'zoe'\. Hint: known: ann, ben"),
            ({"sources": ("ann", "ann")}, "a source must be named once, got 'ann'"),
            ({"reference": "zoe"}, "a source must be one of the study, got 'zoe'"),
            ({"mixes": ("ann+zoe",)}, "a source must be one of the study, got 'zoe'"),
            ({"mixes": ("ann",)}, r"a mix must be a pair of sources, a\+b, got 'ann'"),
            ({"mixes": ("ann+ben+ann",)}, r"a mix must be a pair of sources, a\+b, got 'ann\+ben\+ann'"),
            ({"mixes": ("ann+ann",)}, "a source must be named once, got 'ann'"),
            ({"mixes": ("ann+",)}, "a source must be one of the study, got ''"),
            ({"mixes": ("ann+ben", "ann + ben")}, r"a mix must be named once, and unlike any source, got 'ann\+ben'"),
            ({"epochs": -1}, "epochs must be 0"),
            ({"preset": "nowhere.yaml"}, "nowhere.yaml"),
        ],
    )
    def test_of_a_bad_choice_names_it(self, growing: GrowingStudy, choice: dict[str, object], message: str) -> None:
        with pytest.raises(InputError, match=message):
            growing.look(**choice)
        assert not list(growing.folder.glob("changes*"))

    def test_of_a_mix_that_has_the_name_of_a_source(self, growing: GrowingStudy) -> None:
        settings = growing.repository / "study.yaml"
        settings.write_text(settings.read_text().replace("  ben:", "  ann+ben:\n    kind: human\n  ben:"))
        growing.commit()
        with pytest.raises(InputError, match=r"unlike any source, got 'ann\+ben'"):
            growing.look(**ALL)

    def test_of_masks_that_no_revision_holds(self, growing: GrowingStudy) -> None:
        (growing.repository / "labels" / "ann.dvc").unlink()
        commit = growing.commit()
        with pytest.raises(InputError, match=rf"recorded with DVC, got none at commit {commit[:7]}; source 'ann'"):
            growing.look()

    def test_of_a_revision_that_is_not_there(self, growing: GrowingStudy) -> None:
        with pytest.raises(VersioningError, match=r"got 'nowhere'\. Hint: the newest are"):
            growing.look("nowhere")

    def test_of_a_gate_that_makes_no_sense(self, growing: GrowingStudy) -> None:
        from overread.questions.retrain.records import RetrainingChoice

        with pytest.raises(SettingsError, match=r"gate\.risk: .* got 0\.7; retrain"):
            RetrainingChoice.parse({"preset": str(growing.preset), "gate": {"risk": 0.7}}, where="retrain")

    def test_while_mlflow_is_away_says_so(self, growing: GrowingStudy, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{find_free_ports(1)[0]}")
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
        with pytest.raises(TrackingError, match=r"MLflow must be reachable to list the versions of blocks-2d-ann: .*"):
            growing.look()
        assert not list(growing.folder.glob("changes*"))

    def test_without_any_mlflow_says_how_to_name_one(
        self, growing: GrowingStudy, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.chdir(tmp_path)
        monkeypatch.delenv("MLFLOW_TRACKING_URI")
        with pytest.raises(TrackingError, match="Hint: set MLFLOW_TRACKING_URI"):
            growing.look()
