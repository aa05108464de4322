"""Validation of rendered objects: Kubernetes 1.32 for what is built in, small schemas of ours for the rest."""

from collections.abc import Mapping
from typing import Any

import jsonschema
import kubernetes_validate

from tests.manifests.rendered import Object

_KUBERNETES = "1.32"
_TEXT = {"type": "string", "minLength": 1}


def _closed(properties: Mapping[str, Any], *, required: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(required),
        "additionalProperties": False,
    }


_REFERENCE = _closed({"name": _TEXT, "key": _TEXT}, required=("name", "key"))
_VARIABLE = _closed(
    {
        "name": _TEXT,
        "value": {"type": "string"},
        "valueFrom": _closed({"secretKeyRef": _REFERENCE, "configMapKeyRef": _REFERENCE}),
    },
    required=("name",),
)
_SOURCE = _closed({f"{kind}Ref": _closed({"name": _TEXT}, required=("name",)) for kind in ("secret", "configMap")})
_LABELS = {"type": "object", "additionalProperties": {"type": "string"}}
_SELECTOR = _closed({"matchLabels": {**_LABELS, "minProperties": 1}}, required=("matchLabels",))
_DURATION = {"type": "string", "pattern": "^([0-9]+(ms|s|m|h|d))+$"}
_RELABELING = _closed(
    {
        "action": {"enum": ["replace", "keep", "drop", "labelmap", "labeldrop", "labelkeep"]},
        "sourceLabels": {"type": "array", "items": _TEXT},
        "regex": _TEXT,
        "targetLabel": _TEXT,
        "replacement": {"type": "string"},
    },
    required=("action",),
)
_ENDPOINT = _closed(
    {
        "port": _TEXT,
        "path": {"type": "string", "pattern": "^/"},
        "interval": _DURATION,
        "honorLabels": {"type": "boolean"},
        "basicAuth": _closed({"username": _REFERENCE, "password": _REFERENCE}, required=("username", "password")),
        "relabelings": {"type": "array", "items": _RELABELING},
    },
    required=("port",),
)
_RECORDING = _closed({"record": _TEXT, "expr": _TEXT, "labels": _LABELS}, required=("record", "expr"))
_ALERT = _closed(
    {"alert": _TEXT, "expr": _TEXT, "for": _DURATION, "labels": _LABELS, "annotations": _LABELS},
    required=("alert", "expr"),
)
_RULES = {"type": "array", "minItems": 1, "items": {"oneOf": [_RECORDING, _ALERT]}}
# Schemas of the spec of each kind that is not built in.
SPECS: Mapping[tuple[str, str], Mapping[str, Any]] = {
    ("kubeflow.org/v1alpha1", "PodDefault"): _closed(
        {
            "desc": _TEXT,
            "selector": _SELECTOR,
            "env": {"type": "array", "items": _VARIABLE},
            "envFrom": {"type": "array", "items": _SOURCE},
        },
        # The page that makes notebooks lists PodDefaults by `desc` and reads `matchLabels`.
        required=("desc", "selector"),
    ),
    ("monitoring.coreos.com/v1", "ServiceMonitor"): _closed(
        {"selector": _SELECTOR, "endpoints": {"type": "array", "minItems": 1, "items": _ENDPOINT}},
        required=("selector", "endpoints"),
    ),
    ("monitoring.coreos.com/v1", "PrometheusRule"): _closed(
        {
            "groups": {
                "type": "array",
                "minItems": 1,
                "items": _closed({"name": _TEXT, "interval": _DURATION, "rules": _RULES}, required=("name", "rules")),
            }
        },
        required=("groups",),
    ),
}


def validate(item: Object) -> None:
    """Raise unless the object is valid.

    Raises:
        kubernetes_validate.ValidationError: a built-in kind breaks the schema of Kubernetes.
        jsonschema.ValidationError: another kind breaks ours.
    """
    spec = SPECS.get((item["apiVersion"], item["kind"]))
    if spec is None:
        kubernetes_validate.validate(item, _KUBERNETES, strict=True)
    else:
        jsonschema.validate(item, {"properties": {"spec": spec}, "required": ["metadata", "spec"]})
