"""Every overlay renders, is valid, and passes every check."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.manifests.checks import CHECKS, check_secret_references, check_volumes
from tests.manifests.network_checks import NETWORK_CHECKS, PRIVATE_PORTS, PROMETHEUS, End, may_connect
from tests.manifests.rendered import (
    CLIENT,
    CLUSTER_OVERLAYS,
    MANIFESTS,
    OVERLAYS,
    PIPELINE_TASK,
    Rendered,
    labels_of,
    made_secrets,
    render,
    render_overlay,
)
from tests.manifests.resource_schemas import validate

ALL_CHECKS = CHECKS + NETWORK_CHECKS
KUBEFLOW = End({}, {"kubernetes.io/metadata.name": "kubeflow"})
STRANGER = End({"app.kubernetes.io/name": "prometheus"}, {"kubernetes.io/metadata.name": "strangers"})
DNS = End({"k8s-app": "kube-dns"}, {"kubernetes.io/metadata.name": "kube-system"})
OUTSIDE = End({}, {"kind": "outside"})


def pod(rendered: Rendered, name: str) -> End:
    return End(labels_of(next(pod for pod in rendered.pods if pod["name"] == name)))


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_object_is_valid(overlay: str) -> None:
    for item in render_overlay(overlay).objects:
        validate(item)


@pytest.mark.parametrize("check", ALL_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("overlay", CLUSTER_OVERLAYS)
def test_check_holds(overlay: str, check: Callable[[Rendered], list[str]]) -> None:
    assert check(render_overlay(overlay)) == []


@pytest.mark.parametrize(
    ("overlay", "deployments"),
    [
        ("local", {"mlflow", "postgres", "object-store", "pushgateway"}),
        ("local-monitored", {"mlflow", "postgres", "object-store", "pushgateway"}),
        ("kubeflow", {"mlflow", "postgres", "pushgateway"}),
        ("external", {"mlflow", "pushgateway"}),
        ("podman", {"mlflow", "postgres", "object-store", "pushgateway"}),
    ],
)
def test_overlay_runs_what_it_is_for(overlay: str, deployments: set[str]) -> None:
    assert {pod["name"] for pod in render_overlay(overlay).pods} == deployments


@pytest.mark.parametrize("overlay", CLUSTER_OVERLAYS)
def test_tasks_and_clients_reach_the_services_and_strangers_do_not(overlay: str) -> None:
    rendered = render_overlay(overlay)
    ports = {"mlflow": 5000, "pushgateway": 9091} | ({"object-store": 8333} if overlay.startswith("local") else {})
    for name, port in ports.items():
        for source in (End(PIPELINE_TASK), End(CLIENT), KUBEFLOW):
            assert may_connect(rendered, source, pod(rendered, name), port), (source, name)
        for source in (STRANGER, End({"app": "other"}), OUTSIDE):
            assert not may_connect(rendered, source, pod(rendered, name), port), (source, name)


@pytest.mark.parametrize("overlay", CLUSTER_OVERLAYS)
def test_prometheus_reaches_what_has_metrics(overlay: str) -> None:
    rendered = render_overlay(overlay)
    assert may_connect(rendered, PROMETHEUS, pod(rendered, "mlflow"), 5000)
    assert may_connect(rendered, PROMETHEUS, pod(rendered, "pushgateway"), 9091)


@pytest.mark.parametrize("overlay", CLUSTER_OVERLAYS)
def test_any_overlay_takes_monitoring_as_the_readme_says(overlay: str, tmp_path: Path) -> None:
    copy = tmp_path / "manifests"
    shutil.copytree(MANIFESTS, copy)
    file = copy / "overlays" / overlay / "kustomization.yaml"
    text = file.read_text(encoding="utf-8")
    if "base/monitoring" not in text:
        file.write_text(text.replace("resources:\n", "resources:\n  - ../../base/monitoring\n"), encoding="utf-8")
    rendered = Rendered(render(file.parent), render_overlay(overlay).secrets)
    for item in rendered.objects:
        validate(item)
    assert [problem for check in ALL_CHECKS for problem in check(rendered)] == []
    assert {item["metadata"]["name"] for item in rendered.of_kind("ServiceMonitor")} == {"mlflow", "pushgateway"}


@pytest.mark.parametrize("overlay", sorted({*OVERLAYS} - {"local-monitored"}))
def test_a_cluster_without_the_prometheus_operator_meets_no_kind_of_it(overlay: str) -> None:
    groups = {item["apiVersion"].partition("/")[0] for item in render_overlay(overlay).objects}
    assert "monitoring.coreos.com" not in groups


def test_monitoring_adds_to_an_overlay_and_changes_nothing() -> None:
    plain, monitored = render_overlay("local").objects, render_overlay("local-monitored").objects
    assert [item for item in plain if item not in monitored] == []
    added = [(item["kind"], item["metadata"]["name"]) for item in monitored if item not in plain]
    assert sorted(added) == [
        ("ConfigMap", "overread-dashboard"),
        ("PrometheusRule", "overread"),
        ("ServiceMonitor", "mlflow"),
        ("ServiceMonitor", "pushgateway"),
    ]


def test_only_mlflow_reaches_the_database() -> None:
    rendered = render_overlay("local")
    database = pod(rendered, "postgres")
    assert may_connect(rendered, pod(rendered, "mlflow"), database, 5432)
    for source in (End(PIPELINE_TASK), End(CLIENT), KUBEFLOW, PROMETHEUS, pod(rendered, "pushgateway")):
        assert not may_connect(rendered, source, database, 5432)


def test_nobody_reaches_the_private_ports_of_the_object_store() -> None:
    rendered = render_overlay("local")
    store = pod(rendered, "object-store")
    sources = [KUBEFLOW, PROMETHEUS, STRANGER, OUTSIDE, End(PIPELINE_TASK), End(CLIENT), pod(rendered, "mlflow")]
    assert may_connect(rendered, pod(rendered, "mlflow"), store, 8333)
    assert not any(may_connect(rendered, source, store, port) for source in sources for port in PRIVATE_PORTS)


def test_mlflow_goes_out_only_to_what_it_needs() -> None:
    inside, managed, profile = (render_overlay(name) for name in ("local", "external", "kubeflow"))
    assert not may_connect(inside, pod(inside, "mlflow"), OUTSIDE, 443)
    assert may_connect(managed, pod(managed, "mlflow"), OUTSIDE, 443)
    assert may_connect(managed, pod(managed, "mlflow"), OUTSIDE, 5432)
    assert not may_connect(managed, pod(managed, "mlflow"), OUTSIDE, 80)
    assert may_connect(profile, pod(profile, "mlflow"), KUBEFLOW, 8333)
    assert not may_connect(profile, pod(profile, "mlflow"), KUBEFLOW, 8888)
    assert all(may_connect(rendered, pod(rendered, "mlflow"), DNS, 53) for rendered in (inside, managed, profile))


def test_other_pods_of_a_profile_are_left_alone() -> None:
    rendered = render_overlay("kubeflow")
    notebook = End({"notebook-name": "mine"})
    assert may_connect(rendered, notebook, OUTSIDE, 443)
    assert may_connect(rendered, STRANGER, notebook, 8888)
    assert not may_connect(render_overlay("local"), notebook, OUTSIDE, 443)


def test_the_profile_names_where_its_results_lie() -> None:
    rendered = render_overlay("kubeflow")
    profile = rendered.objects[0]["metadata"]["namespace"]
    settings = next(item["data"] for item in rendered.of_kind("ConfigMap") if "PGHOST" in item["data"])
    tasks = rendered.named("ConfigMap", "overread")["data"]
    assert tasks["OVERREAD_STORE"] == f"s3://mlpipeline/private/{profile}/overread/store"
    assert settings["MLFLOW_ARTIFACTS_DESTINATION"] == f"s3://mlpipeline/private/{profile}/overread/mlflow"
    assert not rendered.of_kind("Namespace")


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_tasks_find_their_whole_environment(overlay: str) -> None:
    rendered = render_overlay(overlay)
    assert set(rendered.named("ConfigMap", "overread")["data"]) == {
        "MLFLOW_TRACKING_URI",
        "OVERREAD_STORE",
        "PUSHGATEWAY_URL",
        "AWS_ENDPOINT_URL",
        "AWS_DEFAULT_REGION",
    }
    assert rendered.secrets["overread-credentials"] == {
        "MLFLOW_TRACKING_USERNAME",
        "MLFLOW_TRACKING_PASSWORD",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
    }


def test_notebooks_get_the_environment_of_a_task() -> None:
    rendered = render_overlay("kubeflow")
    spec = rendered.named("PodDefault", "overread")["spec"]
    assert spec["selector"]["matchLabels"] == CLIENT
    assert {entry["name"] for entry in spec["env"]} == rendered.secrets["overread-credentials"]
    assert spec["envFrom"] == [{"configMapRef": {"name": "overread"}}]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_mlflow_gets_all_that_its_image_reads(overlay: str) -> None:
    rendered = render_overlay(overlay)
    container = dict(rendered.containers)["mlflow/mlflow"]
    settings = rendered.named("ConfigMap", container["envFrom"][0]["configMapRef"]["name"])["data"]
    contract = (MANIFESTS / "base" / "mlflow" / "deployment.yaml").read_text(encoding="utf-8").splitlines()[0]
    named = set(re.findall(r"\b(?:PG|MLFLOW_)[A-Z_]+\b", contract))
    assert named <= set(settings) | {entry["name"] for entry in container["env"]}


def test_podman_meets_nothing_that_it_cannot_run() -> None:
    rendered = render_overlay("podman")
    assert check_volumes(rendered) == []
    assert check_secret_references(rendered) == []
    for _, container in rendered.containers:
        assert not {"ports", "startupProbe", "readinessProbe", "livenessProbe"} & set(container)


def test_an_existing_bucket_replaces_seaweedfs_as_the_readme_says(tmp_path: Path) -> None:
    copy = tmp_path / "manifests"
    shutil.copytree(MANIFESTS, copy)
    readme = (MANIFESTS / "README.md").read_text(encoding="utf-8")
    (snippet,) = re.findall(r"```yaml\n(# manifests/overlays/mine/kustomization\.yaml\n.*?)```", readme, re.DOTALL)
    (copy / "overlays" / "mine").mkdir()
    (copy / "overlays" / "mine" / "kustomization.yaml").write_text(snippet, encoding="utf-8")
    rendered = Rendered(render(copy / "overlays" / "mine"), made_secrets())
    assert {pod["name"] for pod in rendered.pods} == {"mlflow", "postgres", "pushgateway"}
    assert [problem for check in ALL_CHECKS for problem in check(rendered)] == []
    assert rendered.named("ConfigMap", "overread")["data"]["AWS_ENDPOINT_URL"].startswith("https://")
    assert may_connect(rendered, pod(rendered, "mlflow"), OUTSIDE, 443)
