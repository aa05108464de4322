"""What MLflow and the Pushgateway hold, as a client in the network with the login of tasks sees it."""

import time
import urllib.request
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from overread.adapters.model_registry import connect_registry
from overread.adapters.registry_records import NetworkVersion
from overread.adapters.telemetry import GROUP_LABELS, METRICS
from overread.questions.retrain.steps.manage_networks import promote
from tests.containers.network import inside
from tests.containers.played_services import Services

if TYPE_CHECKING:
    from mlflow import MlflowClient


@contextmanager
def connecting_to_mlflow(services: Services) -> Iterator["MlflowClient"]:
    """A client; what else reads the environment of tasks reaches MLflow as well."""
    from mlflow import MlflowClient

    with pytest.MonkeyPatch.context() as environment, inside():
        for name, value in services.environment.items():
            environment.setenv(name, value)
        yield MlflowClient(services.environment["MLFLOW_TRACKING_URI"])


def list_runs(services: Services, study: str, pipeline: str) -> list[dict[str, Any]]:
    """Runs of a pipeline on a study, with their artifacts."""
    with connecting_to_mlflow(services) as client:
        experiment = client.get_experiment_by_name(study)
        assert experiment is not None
        return [
            {
                "name": run.data.tags["mlflow.runName"],
                "status": run.info.status,
                "is_parent": "mlflow.parentRunId" not in run.data.tags,
                "metrics": dict(run.data.metrics),
                "tags": dict(run.data.tags),
                "data": [item.dataset.source for item in run.inputs.dataset_inputs],
                "files": sorted(file.path for file in client.list_artifacts(run.info.run_id)),
            }
            for run in client.search_runs([experiment.experiment_id], f"tags.pipeline = '{pipeline}'")
        ]


def list_versions(services: Services, model: str) -> tuple[NetworkVersion, ...]:
    """Registered versions of a network, newest first."""
    with connecting_to_mlflow(services):
        return connect_registry().list_versions(model)


def promote_network(services: Services, model: str) -> None:
    """End the hold of the newest challenger of a network, as a human does."""
    with connecting_to_mlflow(services):
        promote(model, "challenger", reason="Looks right.", by="Ann", workspace=None)


def download_network(services: Services, address: str, folder: Path) -> Path:
    """Download what is registered at an address `models:/…`, as another user of MLflow does."""
    from mlflow.artifacts import download_artifacts

    with connecting_to_mlflow(services):
        return Path(download_artifacts(address, dst_path=str(folder)))


def read_metrics(services: Services) -> Mapping[tuple[str, ...], Mapping[str, float]]:
    """Overread's metrics on the Pushgateway: by kind of group and values of its labels, then by name."""
    found: dict[tuple[str, ...], dict[str, float]] = defaultdict(dict)
    for sample in _scrape(services):
        if (metric := METRICS.get(sample.name)) is not None:
            labels = (sample.labels[name] for name in GROUP_LABELS[metric.kind])
            found[metric.kind, *labels][sample.name] = sample.value
    return dict(found)


def wait_until_written(services: Services, *, seconds: float = 90) -> None:
    """Wait until the volume of the Pushgateway holds all that was pushed so far."""
    newest = max(sample.value for sample in _scrape(services) if sample.name == "push_time_seconds")
    file, deadline = services.find_volume("pushgateway") / "metrics", time.monotonic() + seconds
    while not file.exists() or file.stat().st_mtime <= newest:
        assert time.monotonic() < deadline, f"nothing was written for {seconds:.0f} s"
        time.sleep(0.2)


def _scrape(services: Services) -> list[Any]:
    url = f"{services.environment['PUSHGATEWAY_URL']}/metrics"
    with inside(), urllib.request.urlopen(url, timeout=10) as answer:
        families = text_string_to_metric_families(answer.read().decode())
        return [sample for family in families for sample in family.samples]
