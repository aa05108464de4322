"""What Kubeflow checks of a new recurring run, and how it shows one."""

from collections.abc import Mapping
from typing import Any

from tests.kubeflow.refusal import RefusalError

_KEPT = ("display_name", "description", "experiment_id", "trigger", "pipeline_spec", "pipeline_version_reference")
_LONGEST_CRON = 6


def check_recurring_run(body: Mapping[str, Any]) -> None:
    """Refuse what Kubeflow refuses.

    Raises:
        RefusalError: with status 400.
    """
    if not 1 <= int(body.get("max_concurrency", 0)) <= 10:
        raise RefusalError(400, "Invalid input error: the max concurrency of the recurring run is out of range")
    cron = body.get("trigger", {}).get("cron_schedule", {}).get("cron")
    if cron is not None and len(cron.split()) not in (_LONGEST_CRON - 1, _LONGEST_CRON):
        raise RefusalError(400, "Invalid input error: Schedule cron is not a supported format")


def show_recurring_run(body: Mapping[str, Any], *, namespace: str) -> dict[str, Any]:
    """A recurring run as it is listed: numbers as texts, nothing of what is empty, and whether it is enabled."""
    shown: dict[str, Any] = {name: body[name] for name in _KEPT if body.get(name)}
    mode = "ENABLE" if body.get("mode") == "ENABLE" else "DISABLE"
    shown |= {"mode": mode, "status": f"{mode}D", "max_concurrency": str(body["max_concurrency"])}
    if body.get("no_catchup"):
        shown["no_catchup"] = True
    if parameters := body.get("runtime_config", {}).get("parameters"):
        shown["runtime_config"] = {"parameters": parameters}
    return shown | ({"namespace": namespace} if namespace else {})
