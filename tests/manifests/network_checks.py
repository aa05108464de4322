"""What must hold of the network policies of a rendered overlay, and who may reach whom under them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from tests.manifests.rendered import Object, Rendered, labels_of, selects

# Filer, master, volume server and administration of SeaweedFS, each with its gRPC port.
PRIVATE_PORTS = frozenset({8888, 9333, 9340, 23646} | {18888, 19333, 19340, 33646})


@dataclass(frozen=True)
class End:
    """A pod as network policies see it; without `namespace` it is in the namespace of the overlay."""

    labels: Mapping[str, str]
    namespace: Mapping[str, str] = field(default_factory=dict)


PROMETHEUS = End({"app.kubernetes.io/name": "prometheus"}, {"kubernetes.io/metadata.name": "monitoring"})


def may_connect(rendered: Rendered, source: End, target: End, port: int) -> bool:
    """Whether the policies let `source` open a connection to a port of `target`."""
    return _allows(rendered, "Egress", source, target, port) and _allows(rendered, "Ingress", target, source, port)


def check_isolation(rendered: Rendered) -> list[str]:
    """Policies hold for each pod in both directions, so that what is not opened is closed."""
    return [
        f"no policy of type {direction} selects {pod['name']}"
        for pod in rendered.pods
        for direction in ("Ingress", "Egress")
        if not any(selects(policy["spec"]["podSelector"], labels_of(pod)) for policy in _policies(rendered, direction))
    ]


def check_policies_select(rendered: Rendered) -> list[str]:
    """Each policy selects a pod of the overlay or one that others start."""
    known = [*map(labels_of, rendered.pods), *rendered.guests]
    return [
        f"NetworkPolicy {policy['metadata']['name']} selects no pod"
        for policy in rendered.of_kind("NetworkPolicy")
        if not any(selects(policy["spec"]["podSelector"], labels) for labels in known)
    ]


def check_peers(rendered: Rendered) -> list[str]:
    """Each peer inside the namespace is a pod of the overlay or one that others start."""
    known = [*map(labels_of, rendered.pods), *rendered.guests]
    return [
        f"NetworkPolicy {policy['metadata']['name']} names a peer that does not exist: {peer['podSelector']}"
        for policy in rendered.of_kind("NetworkPolicy")
        for rule in _rules(policy)
        for peer in rule["peers"]
        if "podSelector" in peer and "namespaceSelector" not in peer
        if not any(selects(peer["podSelector"], labels) for labels in known)
    ]


def check_policy_ports(rendered: Rendered) -> list[str]:
    """Each way in leads to a container port of the pods that the policy selects, and names its ports."""
    problems = []
    for policy in _policies(rendered, "Ingress"):
        pods = [pod for pod in rendered.pods if selects(policy["spec"]["podSelector"], labels_of(pod))]
        held = {port["containerPort"] for pod in pods for port in pod["spec"]["containers"][0]["ports"]}
        for rule in policy["spec"].get("ingress", ()):
            ports = {port["port"] for port in rule.get("ports", ())}
            if not ports or not ports <= held or any("endPort" in port for port in rule["ports"]):
                problems.append(f"NetworkPolicy {policy['metadata']['name']} must open ports of its pods, got {ports}")
    return problems


def check_scraped_pods(rendered: Rendered) -> list[str]:
    """Prometheus reaches the pods behind each ServiceMonitor."""
    problems = []
    for item in rendered.of_kind("ServiceMonitor"):
        for pod in rendered.pods:
            ports = {port["name"]: port["containerPort"] for port in pod["spec"]["containers"][0]["ports"]}
            if selects(item["spec"]["selector"], labels_of(pod)):
                problems += [
                    f"Prometheus may not connect to port {endpoint['port']} of {pod['name']}"
                    for endpoint in item["spec"]["endpoints"]
                    if not may_connect(rendered, PROMETHEUS, End(labels_of(pod)), ports.get(endpoint["port"], 0))
                ]
    return problems


def check_private_ports(rendered: Rendered) -> list[str]:
    """Nothing leads to the ports at which SeaweedFS serves without a key."""
    opened = [(item, port["port"]) for item in rendered.of_kind("Service") for port in item["spec"]["ports"]]
    opened += [(item, port.get("targetPort")) for item in rendered.of_kind("Service") for port in item["spec"]["ports"]]
    opened += [
        (policy, number)
        for policy in rendered.of_kind("NetworkPolicy")
        for rule in policy["spec"].get("ingress", ())
        for port in rule.get("ports", ())
        for number in range(int(port["port"]), int(port.get("endPort", port["port"])) + 1)
    ]
    return [
        f"{item['kind']} {item['metadata']['name']} leads to port {port}, which serves without a key"
        for item, port in opened
        if port in PRIVATE_PORTS
    ]


def _policies(rendered: Rendered, direction: str) -> list[Object]:
    return [item for item in rendered.of_kind("NetworkPolicy") if direction in item["spec"]["policyTypes"]]


def _rules(policy: Object) -> Iterator[Object]:
    for side, peers in (("ingress", "from"), ("egress", "to")):
        for rule in policy["spec"].get(side, ()):
            yield {"side": side, "peers": rule.get(peers, ()), "ports": rule.get("ports", ())}


def _allows(rendered: Rendered, direction: str, end: End, other: End, port: int) -> bool:
    """Whether the policies of one end let the other pass; those of another namespace are not ours to read."""
    holding = [item for item in _policies(rendered, direction) if selects(item["spec"]["podSelector"], end.labels)]
    if end.namespace or not holding:
        return True
    rules = [rule for policy in holding for rule in _rules(policy) if rule["side"] == direction.lower()]
    return any(
        (not rule["ports"] or port in {entry["port"] for entry in rule["ports"]})
        and (not rule["peers"] or any(_is_peer(peer, other) for peer in rule["peers"]))
        for rule in rules
    )


def _is_peer(peer: Object, end: End) -> bool:
    if "ipBlock" in peer:
        return end.namespace.get("kind") == "outside"
    in_namespace = (
        selects(peer["namespaceSelector"], end.namespace) if "namespaceSelector" in peer else not end.namespace
    )
    return in_namespace and selects(peer.get("podSelector", {}), end.labels)


NETWORK_CHECKS: tuple[Callable[[Rendered], list[str]], ...] = (
    check_isolation,
    check_policies_select,
    check_peers,
    check_policy_ports,
    check_scraped_pods,
    check_private_ports,
)
