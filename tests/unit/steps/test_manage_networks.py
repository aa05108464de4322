"""What humans do with registered networks, and what they are told."""

from pathlib import Path

import pytest

from overread.cli import app
from overread.errors import InputError, TrackingError
from overread.questions.retrain.steps.manage_networks import promote, refuse, roll_back, trace
from tests.retrainings import GrowingStudy, name_masks

NAME = "blocks-2d-ann"


def put(which: str, *, reason: str = "On purpose.", by: str = "Ann") -> str:
    return promote(NAME, which, reason=reason, by=by, workspace=None)


def take_back(*, reason: str = "A mistake.", by: str = "Ben") -> str:
    return roll_back(NAME, reason=reason, by=by, workspace=None)


@pytest.fixture
def three(growing: GrowingStudy) -> GrowingStudy:
    """Versions 1 and 2 were champions, 3 is."""
    growing.retrain()
    for masks in ("2", "3"):
        growing.commit(ann=masks)
        growing.retrain()
    return growing


class TestRollback:
    def test_goes_back_step_by_step_to_the_first_champion_and_no_further(self, three: GrowingStudy) -> None:
        assert take_back() == f"{NAME} version 2 is champion again, version 3 is not"
        assert three.champion() == 2
        assert take_back() == f"{NAME} version 1 is champion again, version 2 is not"
        with pytest.raises(InputError, match=rf"must have replaced another to be rolled back, got {NAME} version 1"):
            take_back()
        assert three.champion() == 1

    def test_leaves_out_what_was_rolled_back_when_the_gate_goes_on(self, three: GrowingStudy) -> None:
        take_back()
        three.commit(ann="4")
        assert three.retrain().champion == 4
        take_back()
        assert three.champion() == 2

    def test_undoes_the_promotion_of_an_earlier_champion_and_then_those_before(self, three: GrowingStudy) -> None:
        """The champions were 1, 2, 3 and 1 again."""
        put("1")
        found = []
        for _ in range(3):
            take_back()
            found.append(three.champion())
        assert found == [3, 2, 1]
        with pytest.raises(InputError, match="must have replaced another"):
            take_back()

    def test_is_written_down_with_reason_and_name(self, three: GrowingStudy) -> None:
        take_back(reason="Misses small blocks.", by="Ben")
        third, second, _ = three.versions()
        for event, action in ((third.history[-1], "demoted"), (second.history[-1], "promoted")):
            assert (event.action, event.by, event.reason) == (action, "Ben", "Misses small blocks.")
        tags = three.registry.client.get_model_version(NAME, "3").tags
        assert tags["decision"] == "demoted"

    def test_needs_a_champion(self, growing: GrowingStudy) -> None:
        growing.retrain(refuse="Worse.")
        with pytest.raises(TrackingError, match=r"got 'champion'\. Hint: known are 1 @challenger"):
            take_back()


class TestPromotion:
    def test_of_a_refused_challenger_makes_it_champion(self, growing: GrowingStudy) -> None:
        growing.retrain()
        growing.commit(ann="2")
        growing.retrain(refuse="Worse.")
        assert put("challenger") == f"{NAME} version 2 is champion in place of version 1"
        assert growing.champion() == 2
        challenger, champion = growing.versions()
        assert [event.action for event in challenger.history] == ["refused", "promoted"]
        assert champion.history[-1].action == "demoted"
        assert take_back().startswith(f"{NAME} version 1 is champion again")

    def test_where_there_is_no_champion_replaces_none(self, growing: GrowingStudy) -> None:
        growing.retrain(refuse="Worse.")
        assert put("1") == f"{NAME} version 1 is champion"
        with pytest.raises(InputError, match="must have replaced another"):
            take_back()

    def test_of_the_champion_is_refused(self, growing: GrowingStudy) -> None:
        growing.retrain()
        for which in ("1", "champion", "challenger"):
            with pytest.raises(InputError, match=rf"must not be champion yet to be promoted, got {NAME} version 1"):
                put(which)

    @pytest.mark.parametrize("which", ["7", "best", "0", ""])
    def test_of_a_version_that_is_not_there_names_those_that_are(self, growing: GrowingStudy, which: str) -> None:
        growing.retrain()
        with pytest.raises(TrackingError, match=rf"got '{which}'\. Hint: known are 1 @challenger @champion"):
            put(which)

    def test_of_a_network_that_is_not_there_says_so(self, growing: GrowingStudy) -> None:
        with pytest.raises(TrackingError, match=r"a version of blocks-2d-ann must be .* Hint: known are none"):
            put("1")
        assert growing.versions() == ()

    def test_without_a_reason_is_refused(self, growing: GrowingStudy) -> None:
        growing.retrain(refuse="Worse.")
        for reason in ("", "  "):
            with pytest.raises(InputError, match="a reason must be given"):
                put("1", reason=reason)
            with pytest.raises(InputError, match="a reason must be given"):
                take_back(reason=reason)
        assert growing.champion() is None

    def test_takes_the_alias_from_a_version_of_another_tool(self, growing: GrowingStudy) -> None:
        growing.retrain()
        client = growing.registry.client
        made = client.create_model_version(NAME, "s3://elsewhere/model")
        client.set_registered_model_alias(NAME, "champion", made.version)
        with pytest.raises(TrackingError, match=r"got version 2\. Hint: `overread model promote"):
            take_back()
        put("1")
        assert growing.champion() == 1


class TestRefusal:
    def test_of_a_version_on_hold_is_written_down_with_reason_and_name(self, growing: GrowingStudy) -> None:
        growing.retrain()
        growing.commit(ann="2")
        growing.retrain(hold="Open.")
        said = refuse(NAME, "challenger", reason="Misses small blocks.", by="Ann", workspace=None)
        assert said == f"{NAME} version 2 is refused, version 1 stays champion"
        version = growing.versions()[0]
        event = version.history[-1]
        assert (event.action, event.by, event.reason) == ("refused", "Ann", "Misses small blocks.")
        tags = growing.registry.client.get_model_version(NAME, "2").tags
        assert (tags["decision"], tags["reason"]) == ("refused", "Misses small blocks.")

    def test_of_the_first_of_its_kind_leaves_no_champion(self, growing: GrowingStudy) -> None:
        growing.retrain(hold="Open.")
        assert refuse(NAME, "1", reason="No.", by="Ann", workspace=None).endswith("refused, there is no champion")

    @pytest.mark.parametrize(("fate", "became"), [({}, "promoted"), ({"refuse": "Worse."}, "refused")])
    def test_of_what_is_not_on_hold_says_what_became_of_it(
        self, growing: GrowingStudy, fate: dict[str, str], became: str
    ) -> None:
        growing.retrain(**fate)
        with pytest.raises(InputError, match=rf"must be on hold to be refused, got {NAME} version 1, {became}\. Hint"):
            refuse(NAME, "1", reason="No.", by="Ann", workspace=None)

    def test_without_a_reason_is_refused(self, growing: GrowingStudy) -> None:
        growing.retrain(hold="Open.")
        with pytest.raises(InputError, match="a reason must be given"):
            refuse(NAME, "1", reason=" ", by="Ann", workspace=None)


class TestTrace:
    def test_tells_origin_history_retrieval_and_settings(self, three: GrowingStudy) -> None:
        take_back(reason="Misses small blocks.")
        version = three.versions()[0]
        text = "\n".join(trace(f"{NAME}@3", workspace=None))
        assert text.startswith(f"{NAME} version 3 @challenger\n")
        origin = version.origin
        for part in (origin.revision, origin.study_digest, origin.code_commit, origin.fingerprint, version.run_id):
            assert part in text
        assert f"masks           ann: {name_masks('3')}" in text
        assert "promoted by gate: not worse than version 2 beyond the margins" in text
        assert text.index("promoted by gate") < text.index("demoted by Ben: Misses small blocks.")
        assert f"git clone {three.repository} {three.repository}-copy\n" in text
        assert "dvc pull images labels/ann)" in text
        assert "  description: Blocks on noise." in text

    def test_finds_a_version_by_alias_or_number(self, growing: GrowingStudy) -> None:
        growing.retrain()
        growing.commit(ann="2")
        growing.retrain(refuse="Worse.")
        titles = {which: trace(f"{NAME}@{which}", workspace=None)[0] for which in ("champion", "challenger", "1", "2")}
        first, second = f"{NAME} version 1 @champion", f"{NAME} version 2 @challenger"
        assert titles == {"champion": first, "challenger": second, "1": first, "2": second}

    def test_of_a_mix_pulls_the_masks_of_both(self, growing: GrowingStudy) -> None:
        growing.register(growing.look(sources=("ann",), mixes=("ann+ben",)))
        text = "\n".join(trace("blocks-2d-ann+ben@champion", workspace=None))
        assert "dvc pull images labels/ann labels/ben)" in text

    def test_of_a_version_whose_run_is_gone_tells_the_rest(self, growing: GrowingStudy) -> None:
        growing.retrain()
        (version,) = growing.versions()
        growing.registry.client.delete_run(version.run_id)
        artifacts = growing.folder / "mlflow" / "mlartifacts"
        for path in artifacts.rglob("settings.yaml"):
            path.unlink()
        lines = trace(f"{NAME}@1", workspace=None)
        assert lines[-1].startswith("  cannot be read: MLflow")
        assert any(version.origin.revision in line for line in lines)

    @pytest.mark.parametrize("address", [NAME, "@champion", f"{NAME}@", ""])
    def test_of_something_else_says_how_a_version_is_named(self, address: str) -> None:
        with pytest.raises(InputError, match=r"must be named as NAME@champion or NAME@VERSION, got"):
            trace(address, workspace=None)


def test_the_command_line_reaches_the_mlflow_of_a_study(
    growing: GrowingStudy, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    growing.retrain()
    growing.commit(ann="2")
    growing.retrain(hold="Open.")
    study = tmp_path / "laptop"
    study.mkdir()
    (study / ".overread").symlink_to(tmp_path / "mlflow")
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    capsys.readouterr()
    where = ["--study", str(study)]
    for command in (
        ["refuse", NAME, "--version", "challenger", "--reason", "Not yet.", "--by", "Ann"],
        ["promote", NAME, "--version", "challenger", "--reason", "On purpose.", "--by", "Ann"],
        ["rollback", NAME, "--reason", "A mistake."],
        ["trace", f"{NAME}@2"],
    ):
        app(["model", *command, *where], result_action="return_value")
    out = capsys.readouterr().out
    refused, promoted, rolled_back, *_ = out.splitlines()
    assert refused == f"{NAME} version 2 is refused, version 1 stays champion"
    assert promoted == f"{NAME} version 2 is champion in place of version 1"
    assert rolled_back.startswith(f"{NAME} version 1 is champion again")
    assert "held by gate: Open." in out
    assert "refused by Ann: Not yet." in out
    assert "promoted by Ann: On purpose." in out
    assert "demoted by" in out


def test_the_command_line_makes_no_mlflow_where_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"must have been trained on this machine .* no folder .*typo/\.overread"):
        app(["model", "trace", f"{NAME}@1", "--study", str(tmp_path / "typo")], result_action="return_value")
    assert not (tmp_path / "typo").exists()
