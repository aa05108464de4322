"""The page of a pipeline run, drawn once per wording and told to one run of a real MLflow on SQLite."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from mlflow import MlflowClient
from overread.questions.rater_bias.steps import write_report
from overread.runs import fingerprint, import_closure
from overread.runs.pipeline_run import AnalysisRun, begin_pipeline_run
from overread.runs.report_publishing import publish_report
from overread.settings import Settings

RUN = AnalysisRun(
    pipeline="rater-bias",
    study="squares",
    study_digest="d",
    source_digests={},
    revision="r",
    preset_name="tiny",
    settings_yaml="",
    run_fingerprint="f",
)


@dataclass
class Publisher:
    """Runs the first and the last step of a pipeline again and again.

    Attributes:
        home: gets store, page and database.
        drawn: number of times that the page was drawn.
    """

    home: Path
    drawn: int = field(default=0)

    def publish(self) -> str:
        def draw(page: Path, _: object) -> None:
            self.drawn += 1
            page.parent.mkdir(parents=True)
            page.write_text(f"page {self.drawn}")

        store = str(self.home / "store")
        begin_pipeline_run(RUN, Settings(), study_uri="", store=store)
        page = self.home / "report.html"
        publish_report(
            RUN, page, store=store, drawn_by=write_report.__name__, draw=draw, log=lambda _: None, verdict="yes"
        )
        return page.read_text()

    def list_runs(self) -> list[str]:
        client = MlflowClient(f"sqlite:///{self.home / 'mlflow.db'}")
        (experiment,) = [item for item in client.search_experiments() if item.name == RUN.study]
        return [run.info.status for run in client.search_runs([experiment.experiment_id], "tags.verdict = 'yes'")]


@pytest.fixture
def publisher(tmp_path: Path, empty_mlflow: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Publisher]:
    shutil.copy(empty_mlflow, tmp_path / "mlflow.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    yield Publisher(tmp_path)
    import_closure.find_closure.cache_clear()
    fingerprint._digest_code.cache_clear()


def test_a_page_is_drawn_again_for_another_wording_only_and_belongs_to_the_same_run(publisher, monkeypatch):
    assert [publisher.publish(), publisher.publish()] == ["page 1", "page 1"]
    package = publisher.home / "overread"
    shutil.copytree(import_closure.ROOT, package, ignore=shutil.ignore_patterns("__pycache__"))
    template = package / "questions" / "rater_bias" / "page" / "rater_bias.html.j2"
    template.write_text(template.read_text() + "\n")
    monkeypatch.setattr(import_closure, "ROOT", package)
    assert [publisher.publish(), publisher.publish()] == ["page 2", "page 2"]
    assert publisher.list_runs() == ["FINISHED"]
