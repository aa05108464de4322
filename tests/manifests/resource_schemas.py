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
# Schemas of the spec of each kind that is not built in.
SPECS: Mapping[tuple[str, str], Mapping[str, Any]] = {
    ("kubeflow.org/v1alpha1", "PodDefault"): _closed(
        {
            "desc": _TEXT,
            "selector": _closed({"matchLabels": {**_LABELS, "minProperties": 1}}, required=("matchLabels",)),
            "env": {"type": "array", "items": _VARIABLE},
            "envFrom": {"type": "array", "items": _SOURCE},
        },
        # The page that makes notebooks lists PodDefaults by `desc` and reads `matchLabels`.
        required=("desc", "selector"),
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
