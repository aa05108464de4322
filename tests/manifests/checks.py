"""What must hold of a rendered overlay; each check returns its problems, none if all is well."""

from collections.abc import Callable, Iterator

from tests.manifests.rendered import Object, Rendered, labels_of, selects

_SECRET_WORDS = ("PASSWORD", "SECRET", "KEY", "TOKEN")
_VOLUMES = frozenset({"emptyDir", "configMap", "persistentVolumeClaim"})
_PREFIX = "app.kubernetes.io"
_LABELS = tuple(f"{_PREFIX}/{name}" for name in ("name", "component", "part-of", "version", "managed-by"))


def check_deployments(rendered: Rendered) -> list[str]:
    """One replica, stopped before the next starts: two would write to one volume."""
    problems = []
    for item in rendered.objects:
        name, spec = item["metadata"]["name"], item.get("spec", {})
        if item["kind"] in {"StatefulSet", "DaemonSet", "Job", "CronJob", "Pod", "ReplicaSet"}:
            problems.append(f"{name} must be a Deployment, got {item['kind']}")
        elif item["kind"] == "Deployment" and (spec["replicas"], spec["strategy"]["type"]) != (1, "Recreate"):
            problems.append(f"{name} must have one replica and the strategy Recreate")
    return problems


def check_selectors(rendered: Rendered) -> list[str]:
    """Deployments select their own pods; Services and budgets select one pod of the overlay."""
    problems = [
        f"Deployment {item['metadata']['name']} does not select its own pods"
        for item in rendered.of_kind("Deployment")
        if not selects(item["spec"]["selector"], labels_of(item["spec"]["template"]))
    ]
    for item in rendered.of_kind("Service", "PodDisruptionBudget"):
        selector = item["spec"]["selector"]
        if len(_select(rendered, {"matchLabels": selector} if item["kind"] == "Service" else selector)) != 1:
            problems.append(f"{item['kind']} {item['metadata']['name']} must select one pod of the overlay")
    return problems


def check_budgets(rendered: Rendered) -> list[str]:
    """Each pod has a disruption budget that lets its node be drained."""
    budgets = [item["spec"] for item in rendered.of_kind("PodDisruptionBudget")]
    covered = {pod["name"] for spec in budgets for pod in _select(rendered, spec["selector"])}
    problems = [f"{pod['name']} has no PodDisruptionBudget" for pod in rendered.pods if pod["name"] not in covered]
    return problems + [
        f"a budget must set maxUnavailable: 1, got {spec}" for spec in budgets if spec.get("maxUnavailable") != 1
    ]


def check_service_ports(rendered: Rendered) -> list[str]:
    """The target of each Service port is a port of its pods."""
    return [
        f"Service {service['metadata']['name']}: no pod has its target port {port['targetPort']!r}"
        for service in rendered.of_kind("Service")
        for port in service["spec"]["ports"]
        if not any(
            port["targetPort"] in _ports(container)
            for pod in _select(rendered, {"matchLabels": service["spec"]["selector"]})
            for container in pod["spec"]["containers"]
        )
    ]


def check_scraped_ports(rendered: Rendered) -> list[str]:
    """Each ServiceMonitor selects one Service of the overlay, and its ports by their names."""
    problems = []
    for item in rendered.of_kind("ServiceMonitor"):
        services = [
            service
            for service in rendered.of_kind("Service")
            if selects(item["spec"]["selector"], service["metadata"]["labels"])
        ]
        if len(services) != 1:
            problems.append(f"ServiceMonitor {item['metadata']['name']} must select one Service of the overlay")
        held = {port["name"] for service in services for port in service["spec"]["ports"]}
        wanted = {endpoint["port"] for endpoint in item["spec"]["endpoints"]}
        problems += [
            f"ServiceMonitor {item['metadata']['name']}: no Service has its port {port!r}"
            for port in sorted(wanted - held)
        ]
    return problems


def check_probes(rendered: Rendered) -> list[str]:
    """Each container has the three probes, and they name ports that it has."""
    problems = []
    for name, container in rendered.containers:
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            if probe not in container:
                problems.append(f"{name} has no {probe}")
            elif "httpGet" in container[probe] and container[probe]["httpGet"]["port"] not in _ports(container):
                problems.append(f"{name}: its {probe} asks a port that it has not")
    return problems


def check_resources(rendered: Rendered) -> list[str]:
    """Each container says what it needs and what it may take."""
    return [
        f"{name} must set {kind} of {what}"
        for name, container in rendered.containers
        for kind in ("requests", "limits")
        for what in ("cpu", "memory")
        if what not in container.get("resources", {}).get(kind, {})
    ]


def check_images(rendered: Rendered) -> list[str]:
    """Each image has a tag or a digest, and the tag is not `latest`."""
    problems = []
    for name, container in rendered.containers:
        last = container["image"].rpartition("/")[2]
        if "@sha256:" not in last and last.partition(":")[2] in ("", "latest"):
            problems.append(f"{name} must name its image by a tag other than latest or a digest: {container['image']}")
    return problems


def check_restricted_pods(rendered: Rendered) -> list[str]:
    """The half of the restricted Pod Security Standard that a pod states, and no token of the cluster's API."""
    problems = []
    for pod in rendered.pods:
        spec, context = pod["spec"], pod["spec"].get("securityContext", {})
        wanted = {
            "runAsNonRoot: true": context.get("runAsNonRoot") is True,
            "a numeric runAsUser above 0": isinstance(context.get("runAsUser"), int) and context["runAsUser"] > 0,
            "a numeric fsGroup above 0": isinstance(context.get("fsGroup"), int) and context["fsGroup"] > 0,
            "seccompProfile RuntimeDefault": context.get("seccompProfile") == {"type": "RuntimeDefault"},
            "automountServiceAccountToken: false": spec.get("automountServiceAccountToken") is False,
            "enableServiceLinks: false": spec.get("enableServiceLinks") is False,
            "no host namespace": not any(spec.get(name) for name in ("hostNetwork", "hostPID", "hostIPC")),
        }
        problems += [f"{pod['name']} must have {rule}" for rule, holds in wanted.items() if not holds]
    return problems


def check_restricted_containers(rendered: Rendered) -> list[str]:
    """The half of the restricted Pod Security Standard that a container states, and a root that it cannot write."""
    problems = []
    for name, container in rendered.containers:
        context = container.get("securityContext", {})
        wanted = {
            "allowPrivilegeEscalation: false": context.get("allowPrivilegeEscalation") is False,
            "readOnlyRootFilesystem: true": context.get("readOnlyRootFilesystem") is True,
            "all capabilities dropped": context.get("capabilities") == {"drop": ["ALL"]},
            "nothing that weakens its pod": not {"privileged", "runAsUser", "runAsNonRoot", "seccompProfile"}
            & {*context},
            "no host port": not any("hostPort" in port for port in container.get("ports", ())),
        }
        problems += [f"{name} must have {rule}" for rule, holds in wanted.items() if not holds]
    return problems


def check_volumes(rendered: Rendered) -> list[str]:
    """Volumes of kinds that podman 4.3 knows; it keeps emptyDirs by name, so pods must not share a name."""
    problems, scratch = [], {}
    for pod in rendered.pods:
        for volume in pod["spec"].get("volumes", ()):
            name = volume["name"]
            if not set(volume) - {"name"} <= _VOLUMES:
                problems.append(f"{pod['name']}: volume {name} must be one of {', '.join(sorted(_VOLUMES))}")
            if "emptyDir" in volume and scratch.setdefault(name, pod["name"]) != pod["name"]:
                problems.append(f"{pod['name']} and {scratch[name]} both have an emptyDir named {name}")
    for name, container in rendered.containers:
        if any("subPathExpr" in mount for mount in container.get("volumeMounts", ())):
            problems.append(f"{name} must not use subPathExpr")
    return problems


def check_secret_references(rendered: Rendered) -> list[str]:
    """Each Secret that is read is one that make-secrets.py prints or the profile holds, with that key."""
    return [
        f"{name} reads {key} of Secret {secret}, which nobody makes"
        for name, kind, secret, key in _references(rendered)
        if kind == "secret" and (secret not in rendered.secrets or key not in {None, *rendered.secrets[secret]})
    ]


def check_config_references(rendered: Rendered) -> list[str]:
    """Each ConfigMap that is read is in the overlay, with that key."""
    held = {item["metadata"]["name"]: set(item["data"]) for item in rendered.of_kind("ConfigMap")}
    read = [(name, config, key) for name, kind, config, key in _references(rendered) if kind == "configMap"]
    for pod in rendered.pods:
        volumes = (volume["configMap"] for volume in pod["spec"].get("volumes", ()) if "configMap" in volume)
        read += [(pod["name"], config["name"], None) for config in volumes]
    return [
        f"{name} reads {key or 'all'} of ConfigMap {config}, which the overlay lacks"
        for name, config, key in read
        if config not in held or key not in {None, *held[config]}
    ]


def check_claims(rendered: Rendered) -> list[str]:
    """Each volume claim that is mounted exists, and each that exists is mounted."""
    held = {item["metadata"]["name"] for item in rendered.of_kind("PersistentVolumeClaim")}
    mounted = {
        volume["persistentVolumeClaim"]["claimName"]
        for pod in rendered.pods
        for volume in pod["spec"].get("volumes", ())
        if "persistentVolumeClaim" in volume
    }
    return [f"claim {name} must be both made and mounted" for name in sorted(held ^ mounted)]


def check_service_accounts(rendered: Rendered) -> list[str]:
    """Each service account that a pod names exists."""
    held = {"default"} | {item["metadata"]["name"] for item in rendered.of_kind("ServiceAccount")}
    return [
        f"{pod['name']} runs as ServiceAccount {pod['spec']['serviceAccountName']}, which the overlay lacks"
        for pod in rendered.pods
        if pod["spec"].get("serviceAccountName", "default") not in held
    ]


def check_no_secret_values(rendered: Rendered) -> list[str]:
    """No Secret is kept in the repository, nor a literal value whose name says that it is secret."""
    problems = [
        f"Secret {item['metadata']['name']} must not be in the repository" for item in rendered.of_kind("Secret")
    ]
    literals = [
        (name, env["name"]) for name, where in rendered.environments for env in where.get("env", ()) if "value" in env
    ]
    literals += [(item["metadata"]["name"], key) for item in rendered.of_kind("ConfigMap") for key in item["data"]]
    secret = [(name, key) for name, key in literals if any(word in key.upper() for word in _SECRET_WORDS)]
    return problems + [f"{name}: {key} must come from a Secret" for name, key in secret]


def check_labels(rendered: Rendered) -> list[str]:
    """What belongs to a service has the recommended labels; the rest says whose it is."""
    problems = []
    for item in rendered.objects:
        labels = item["metadata"].get("labels", {})
        of_service = item["kind"] in {"Deployment", "Service", "PersistentVolumeClaim", "PodDisruptionBudget"}
        wanted = _LABELS if of_service else (f"{_PREFIX}/part-of", f"{_PREFIX}/managed-by")
        problems += [
            f"{item['kind']} {item['metadata']['name']} lacks {label}" for label in wanted if label not in labels
        ]
    for pod in rendered.pods:
        problems += [f"pod of {pod['name']} lacks {label}" for label in _LABELS if label not in labels_of(pod)]
    return problems


def check_namespace(rendered: Rendered) -> list[str]:
    """All is in one namespace; where the overlay makes it, it enforces the restricted standard."""
    homes = {item["metadata"].get("namespace") for item in rendered.objects if item["kind"] != "Namespace"}
    problems = [] if len(homes) == 1 and None not in homes else [f"objects must share one namespace, got {homes}"]
    for item in rendered.of_kind("Namespace"):
        if item["metadata"]["labels"].get("pod-security.kubernetes.io/enforce") != "restricted":
            problems.append(f"Namespace {item['metadata']['name']} must enforce the restricted standard")
        if {item["metadata"]["name"]} != homes:
            problems.append(f"Namespace {item['metadata']['name']} is not the one of the objects")
    return problems


def _select(rendered: Rendered, selector: Object) -> list[Object]:
    return [pod for pod in rendered.pods if selects(selector, labels_of(pod))]


def _ports(container: Object) -> set[str | int]:
    """Names and numbers of the ports of a container."""
    return {value for port in container.get("ports", ()) for value in (port["name"], port["containerPort"])}


def _references(rendered: Rendered) -> Iterator[tuple[str, str, str, str | None]]:
    """Who reads what: name of the reader, secret or configMap, name of that, key (none for all keys)."""
    for name, where in rendered.environments:
        for entry in where.get("env", ()):
            for kind in ("secret", "configMap"):
                if reference := entry.get("valueFrom", {}).get(f"{kind}KeyRef"):
                    yield name, kind, reference["name"], reference["key"]
        for entry in where.get("envFrom", ()):
            for kind in ("secret", "configMap"):
                if reference := entry.get(f"{kind}Ref"):
                    yield name, kind, reference["name"], None
    for item in rendered.of_kind("ServiceMonitor"):
        for endpoint in item["spec"]["endpoints"]:
            for reference in endpoint.get("basicAuth", {}).values():
                yield f"ServiceMonitor {item['metadata']['name']}", "secret", reference["name"], reference["key"]


CHECKS: tuple[Callable[[Rendered], list[str]], ...] = (
    check_deployments,
    check_selectors,
    check_budgets,
    check_service_ports,
    check_scraped_ports,
    check_probes,
    check_resources,
    check_images,
    check_restricted_pods,
    check_restricted_containers,
    check_volumes,
    check_secret_references,
    check_config_references,
    check_claims,
    check_service_accounts,
    check_no_secret_values,
    check_labels,
    check_namespace,
)
