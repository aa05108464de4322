"""Each check finds the fault that it is for: one rendered object is broken, and the check says so."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace

import jsonschema
import kubernetes_validate
import pytest

from tests.manifests import checks, network_checks
from tests.manifests.rendered import Object, Rendered, render, render_overlay
from tests.manifests.resource_schemas import validate

Break = Callable[[Rendered], object]
Check = Callable[[Rendered], list[str]]


def spec_of(rendered: Rendered, kind: str, name: str) -> Object:
    return rendered.named(kind, name)["spec"]


def pod_of(rendered: Rendered, name: str = "mlflow") -> Object:
    return spec_of(rendered, "Deployment", name)["template"]["spec"]


def container_of(rendered: Rendered, name: str = "mlflow") -> Object:
    return pod_of(rendered, name)["containers"][0]


def scrape_of(rendered: Rendered, name: str) -> Object:
    return spec_of(rendered, "ServiceMonitor", name)["endpoints"][0]


def way_in(rendered: Rendered, name: str) -> Object:
    return spec_of(rendered, "NetworkPolicy", name)["ingress"][0]


def add(rendered: Rendered, kind: str, name: str, **rest: object) -> None:
    labels = {"app.kubernetes.io/part-of": "overread", "app.kubernetes.io/managed-by": "kustomize"}
    rendered.objects.append({"kind": kind, "metadata": {"name": name, "labels": labels}, **rest})


def remove(rendered: Rendered, kind: str, name: str) -> None:
    rendered.objects.remove(rendered.named(kind, name))


# The check, what breaks, and the message that must follow.
BREAKS: list[tuple[Check, Break, str]] = [
    (
        checks.check_deployments,
        lambda all_: spec_of(all_, "Deployment", "postgres").update(replicas=2),
        "postgres must have one replica and the strategy Recreate",
    ),
    (
        checks.check_deployments,
        lambda all_: spec_of(all_, "Deployment", "postgres")["strategy"].update(type="RollingUpdate"),
        "postgres must have one replica and the strategy Recreate",
    ),
    (
        checks.check_deployments,
        lambda all_: all_.named("Deployment", "postgres").update(kind="StatefulSet"),
        "postgres must be a Deployment, got StatefulSet",
    ),
    (
        checks.check_selectors,
        lambda all_: spec_of(all_, "Deployment", "mlflow")["selector"]["matchLabels"].update(app="x"),
        "Deployment mlflow does not select its own pods",
    ),
    (
        checks.check_selectors,
        lambda all_: spec_of(all_, "Service", "mlflow")["selector"].update(app="x"),
        "Service mlflow must select one pod of the overlay",
    ),
    (
        checks.check_selectors,
        lambda all_: spec_of(all_, "Service", "mlflow")["selector"].pop("app.kubernetes.io/name"),
        "Service mlflow must select one pod of the overlay",
    ),
    (
        checks.check_selectors,
        lambda all_: spec_of(all_, "PodDisruptionBudget", "mlflow")["selector"]["matchLabels"].update(app="x"),
        "PodDisruptionBudget mlflow must select one pod of the overlay",
    ),
    (
        checks.check_budgets,
        lambda all_: remove(all_, "PodDisruptionBudget", "postgres"),
        "postgres has no PodDisruptionBudget",
    ),
    (
        checks.check_budgets,
        lambda all_: spec_of(all_, "PodDisruptionBudget", "postgres").update(maxUnavailable=0),
        "a budget must set maxUnavailable: 1",
    ),
    (
        checks.check_service_ports,
        lambda all_: spec_of(all_, "Service", "postgres")["ports"][0].update(targetPort="sql"),
        "Service postgres: no pod has its target port 'sql'",
    ),
    (
        checks.check_scraped_ports,
        lambda all_: spec_of(all_, "ServiceMonitor", "mlflow")["selector"]["matchLabels"].update(app="x"),
        "ServiceMonitor mlflow must select one Service of the overlay",
    ),
    (
        checks.check_scraped_ports,
        lambda all_: spec_of(all_, "ServiceMonitor", "mlflow")["selector"]["matchLabels"].pop("app.kubernetes.io/name"),
        "ServiceMonitor mlflow must select one Service of the overlay",
    ),
    (
        checks.check_scraped_ports,
        lambda all_: scrape_of(all_, "pushgateway").update(port="metrics"),
        "ServiceMonitor pushgateway: no Service has its port 'metrics'",
    ),
    (
        checks.check_probes,
        lambda all_: container_of(all_).pop("livenessProbe"),
        "mlflow/mlflow has no livenessProbe",
    ),
    (
        checks.check_probes,
        lambda all_: container_of(all_)["startupProbe"]["httpGet"].update(port=5001),
        "mlflow/mlflow: its startupProbe asks a port that it has not",
    ),
    (
        checks.check_resources,
        lambda all_: container_of(all_)["resources"]["limits"].pop("memory"),
        "mlflow/mlflow must set limits of memory",
    ),
    (
        checks.check_resources,
        lambda all_: container_of(all_)["resources"]["requests"].pop("cpu"),
        "mlflow/mlflow must set requests of cpu",
    ),
    *(
        (
            checks.check_images,
            lambda all_, image=image: container_of(all_).update(image=image),
            f"mlflow/mlflow must name its image by a tag other than latest or a digest: {image}",
        )
        for image in ("postgres", "postgres:latest", "registry.example.org:5000/postgres")
    ),
    *(
        (checks.check_restricted_pods, lambda all_, change=change: change(pod_of(all_)), f"mlflow must have {rule}")
        for change, rule in (
            (lambda pod: pod["securityContext"].update(runAsNonRoot=False), "runAsNonRoot: true"),
            (lambda pod: pod["securityContext"].update(runAsUser=0), "a numeric runAsUser above 0"),
            (lambda pod: pod["securityContext"].pop("fsGroup"), "a numeric fsGroup above 0"),
            (
                lambda pod: pod["securityContext"]["seccompProfile"].update(type="Unconfined"),
                "seccompProfile RuntimeDefault",
            ),
            (lambda pod: pod.pop("automountServiceAccountToken"), "automountServiceAccountToken: false"),
            (lambda pod: pod.pop("enableServiceLinks"), "enableServiceLinks: false"),
            (lambda pod: pod.update(hostNetwork=True), "no host namespace"),
        )
    ),
    *(
        (
            checks.check_restricted_containers,
            lambda all_, change=change: change(container_of(all_)),
            f"mlflow/mlflow must have {rule}",
        )
        for change, rule in (
            (lambda one: one["securityContext"].pop("allowPrivilegeEscalation"), "allowPrivilegeEscalation: false"),
            (lambda one: one["securityContext"].update(readOnlyRootFilesystem=False), "readOnlyRootFilesystem: true"),
            (lambda one: one["securityContext"]["capabilities"].update(add=["SYS_ADMIN"]), "all capabilities dropped"),
            (lambda one: one["securityContext"].update(runAsUser=0), "nothing that weakens its pod"),
            (lambda one: one["ports"][0].update(hostPort=5000), "no host port"),
        )
    ),
    (
        checks.check_volumes,
        lambda all_: pod_of(all_)["volumes"].append({"name": "all", "projected": {}}),
        "mlflow: volume all must be one of configMap, emptyDir, persistentVolumeClaim",
    ),
    (
        checks.check_volumes,
        lambda all_: pod_of(all_)["volumes"].append({"name": "postgres-tmp", "emptyDir": {}}),
        "both have an emptyDir named postgres-tmp",
    ),
    (
        checks.check_volumes,
        lambda all_: container_of(all_)["volumeMounts"][0].update(subPathExpr="$(HOME)"),
        "mlflow/mlflow must not use subPathExpr",
    ),
    (
        checks.check_secret_references,
        lambda all_: container_of(all_)["env"][0]["valueFrom"]["secretKeyRef"].update(key="PASSPHRASE"),
        "mlflow/mlflow reads PASSPHRASE of Secret",
    ),
    (
        checks.check_secret_references,
        lambda all_: container_of(all_)["envFrom"].append({"secretRef": {"name": "forgotten"}}),
        "mlflow/mlflow reads None of Secret forgotten, which nobody makes",
    ),
    (
        checks.check_secret_references,
        lambda all_: scrape_of(all_, "mlflow")["basicAuth"]["password"].update(name="prometheus"),
        "ServiceMonitor mlflow reads MLFLOW_TRACKING_PASSWORD of Secret prometheus, which nobody makes",
    ),
    (
        checks.check_config_references,
        lambda all_: all_.named("ConfigMap", "overread")["data"].pop("AWS_DEFAULT_REGION"),
        "mlflow/mlflow reads AWS_DEFAULT_REGION of ConfigMap overread, which the overlay lacks",
    ),
    (
        checks.check_config_references,
        lambda all_: container_of(all_)["envFrom"][0]["configMapRef"].update(name="mlflow"),
        "mlflow/mlflow reads all of ConfigMap mlflow, which the overlay lacks",
    ),
    (
        checks.check_config_references,
        lambda all_: pod_of(all_)["volumes"].append({"name": "init", "configMap": {"name": "init"}}),
        "mlflow reads all of ConfigMap init, which the overlay lacks",
    ),
    (
        checks.check_claims,
        lambda all_: remove(all_, "PersistentVolumeClaim", "postgres"),
        "claim postgres must be both made and mounted",
    ),
    (
        checks.check_service_accounts,
        lambda all_: pod_of(all_).update(serviceAccountName="runner"),
        "mlflow runs as ServiceAccount runner, which the overlay lacks",
    ),
    (
        checks.check_no_secret_values,
        lambda all_: add(all_, "Secret", "postgres"),
        "Secret postgres must not be in the repository",
    ),
    (
        checks.check_no_secret_values,
        lambda all_: container_of(all_)["env"].append({"name": "PGPASSWORD", "value": "x"}),
        "mlflow/mlflow: PGPASSWORD must come from a Secret",
    ),
    (
        checks.check_no_secret_values,
        lambda all_: all_.named("ConfigMap", "overread")["data"].update(AWS_SECRET_ACCESS_KEY="x"),
        "overread: AWS_SECRET_ACCESS_KEY must come from a Secret",
    ),
    (
        checks.check_labels,
        lambda all_: all_.named("Service", "mlflow")["metadata"]["labels"].pop("app.kubernetes.io/version"),
        "Service mlflow lacks app.kubernetes.io/version",
    ),
    (
        checks.check_labels,
        lambda all_: all_.named("NetworkPolicy", "dns")["metadata"].pop("labels"),
        "NetworkPolicy dns lacks app.kubernetes.io/part-of",
    ),
    (
        checks.check_labels,
        lambda all_: spec_of(all_, "Deployment", "mlflow")["template"]["metadata"]["labels"].pop(
            "app.kubernetes.io/component"
        ),
        "pod of mlflow lacks app.kubernetes.io/component",
    ),
    (
        checks.check_namespace,
        lambda all_: all_.named("Service", "mlflow")["metadata"].update(namespace="default"),
        "objects must share one namespace",
    ),
    (
        checks.check_namespace,
        lambda all_: all_.named("Namespace", "overread")["metadata"]["labels"].update(
            {"pod-security.kubernetes.io/enforce": "baseline"}
        ),
        "Namespace overread must enforce the restricted standard",
    ),
    (
        checks.check_namespace,
        lambda all_: all_.named("Namespace", "overread")["metadata"].update(name="other"),
        "Namespace other is not the one of the objects",
    ),
    (
        network_checks.check_isolation,
        lambda all_: [remove(all_, "NetworkPolicy", name) for name in ("default-deny", "dns")],
        "no policy of type Egress selects postgres",
    ),
    (
        network_checks.check_policies_select,
        lambda all_: spec_of(all_, "NetworkPolicy", "postgres")["podSelector"]["matchLabels"].update(app="x"),
        "NetworkPolicy postgres selects no pod",
    ),
    (
        network_checks.check_peers,
        lambda all_: way_in(all_, "postgres")["from"][0]["podSelector"]["matchLabels"].update(app="x"),
        "NetworkPolicy postgres names a peer that does not exist",
    ),
    (
        network_checks.check_policy_ports,
        lambda all_: way_in(all_, "postgres")["ports"][0].update(port=5433),
        "NetworkPolicy postgres must open ports of its pods, got {5433}",
    ),
    (
        network_checks.check_policy_ports,
        lambda all_: way_in(all_, "object-store").pop("ports"),
        "NetworkPolicy object-store must open ports of its pods, got set()",
    ),
    (
        network_checks.check_scraped_pods,
        lambda all_: way_in(all_, "pushgateway")["from"].pop(),
        "Prometheus may not connect to port http of pushgateway",
    ),
    (
        network_checks.check_private_ports,
        lambda all_: way_in(all_, "object-store")["ports"][0].update(port=8888),
        "NetworkPolicy object-store leads to port 8888",
    ),
    (
        network_checks.check_private_ports,
        lambda all_: way_in(all_, "object-store")["ports"][0].update(port=8333, endPort=8888),
        "NetworkPolicy object-store leads to port 8888",
    ),
    (
        network_checks.check_private_ports,
        lambda all_: spec_of(all_, "Service", "object-store")["ports"].append({"port": 80, "targetPort": 8888}),
        "Service object-store leads to port 8888",
    ),
]


def breakable(overlay: str = "local-monitored") -> Rendered:
    rendered = render_overlay(overlay)
    return replace(rendered, objects=deepcopy(list(rendered.objects)))


@pytest.mark.parametrize(
    ("check", "make_fault", "message"), BREAKS, ids=[f"{check.__name__}-{message}" for check, _, message in BREAKS]
)
def test_check_finds_the_fault(check: Check, make_fault: Break, message: str) -> None:
    rendered = breakable()
    make_fault(rendered)
    assert any(message in problem for problem in check(rendered)), check(rendered)


def test_every_check_is_seen_to_fail() -> None:
    assert {check for check, _, _ in BREAKS} == {*checks.CHECKS, *network_checks.NETWORK_CHECKS}


def test_an_opened_policy_lets_strangers_in() -> None:
    rendered = breakable()
    stranger = network_checks.End({"app": "other"})
    database = network_checks.End(spec_of(rendered, "Deployment", "postgres")["template"]["metadata"]["labels"])
    spec_of(rendered, "NetworkPolicy", "default-deny").update(policyTypes=["Ingress"])
    spec_of(rendered, "NetworkPolicy", "dns")["podSelector"] = {"matchLabels": {"app": "none"}}
    assert not network_checks.may_connect(rendered, stranger, database, 5432)
    way_in(rendered, "postgres")["from"] = [{"podSelector": {}}]
    assert network_checks.may_connect(rendered, stranger, database, 5432)


@pytest.mark.parametrize(
    ("kind", "name", "field"),
    [("Deployment", "mlflow", "replica"), ("NetworkPolicy", "dns", "egres"), ("Service", "mlflow", "selectors")],
)
def test_a_misspelt_field_of_a_built_in_kind_is_refused(kind: str, name: str, field: str) -> None:
    item = breakable().named(kind, name)
    item["spec"][field] = 1
    with pytest.raises(kubernetes_validate.ValidationError, match=field):
        validate(item)


def test_a_pod_default_that_no_page_could_list_is_refused() -> None:
    item = breakable("kubeflow").named("PodDefault", "overread")
    del item["spec"]["desc"]
    with pytest.raises(jsonschema.ValidationError, match="desc"):
        validate(item)


@pytest.mark.parametrize(
    ("kind", "name", "misspell"),
    [
        ("ServiceMonitor", "pushgateway", lambda spec: spec["endpoints"][0].update(honourLabels=True)),
        ("ServiceMonitor", "pushgateway", lambda spec: spec["endpoints"][0].update(honorLabels="yes")),
        ("ServiceMonitor", "pushgateway", lambda spec: spec["endpoints"][0].update(interval="30")),
        (
            "ServiceMonitor",
            "pushgateway",
            lambda spec: spec["endpoints"][0]["relabelings"][0].update(target_label="job"),
        ),
        ("ServiceMonitor", "mlflow", lambda spec: spec["endpoints"][0]["basicAuth"].pop("username")),
        ("ServiceMonitor", "mlflow", lambda spec: spec["selector"].update(matchLabels={})),
        ("ServiceMonitor", "mlflow", lambda spec: spec.pop("endpoints")),
        ("PrometheusRule", "overread", lambda spec: spec["groups"][0]["rules"][0].update(expression="vector(1)")),
        ("PrometheusRule", "overread", lambda spec: spec["groups"][0]["rules"][0].update(alert="Both")),
        ("PrometheusRule", "overread", lambda spec: spec["groups"][0]["rules"][-1].update({"for": 300})),
        ("PrometheusRule", "overread", lambda spec: spec["groups"][0]["rules"][-1]["labels"].update(severity=1)),
        ("PrometheusRule", "overread", lambda spec: spec["groups"][0].pop("name")),
    ],
)
def test_a_misspelt_field_of_the_prometheus_operator_is_refused(
    kind: str, name: str, misspell: Callable[[Object], object]
) -> None:
    item = breakable().named(kind, name)
    validate(item)
    misspell(item["spec"])
    with pytest.raises(jsonschema.ValidationError):
        validate(item)


def test_a_kind_without_a_schema_is_refused() -> None:
    item = {"apiVersion": "example.org/v1", "kind": "Unknown", "metadata": {"name": "x"}, "spec": {}}
    with pytest.raises(kubernetes_validate.SchemaNotFoundError):
        validate(item)


@pytest.mark.parametrize(("ci", "outcome"), [("true", pytest.fail.Exception), ("", pytest.skip.Exception)])
def test_a_missing_kubectl_fails_in_continuous_integration_and_skips_elsewhere(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object, ci: str, outcome: type[BaseException]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("CI", ci)
    with pytest.raises(outcome, match="needs kubectl"):
        render(tmp_path)
