"""What a small Kubeflow Pipelines remembers, and how it answers each call of its API."""

import itertools
import json
import re
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.kubeflow.recurring_runs import check_recurring_run, show_recurring_run
from tests.kubeflow.refusal import RefusalError

_STARTED = datetime.fromisoformat("2026-01-02T03:04:05")


@dataclass(frozen=True)
class Look:
    """What the next look at a run finds.

    Attributes:
        state: of the run.
        tasks: name in the graph, state and, for a failure, what went wrong.
    """

    state: str
    tasks: Sequence[tuple[str, str] | tuple[str, str, str]] = ()


@dataclass(frozen=True)
class Call:
    """A request to the API.

    Attributes:
        query: first value of each parameter.
        body: JSON of the request.
        package: the file that an upload brings.
    """

    query: Mapping[str, str]
    body: Any
    package: bytes


@dataclass
class KubeflowState:
    """Pipelines, versions, experiments, runs and recurring runs in memory.

    Attributes:
        namespaces: the account's own, of a Kubeflow of many users; empty for a Kubeflow of one.
        largest_page: most items of a page, whatever is asked for.
        looks: what the coming looks at a run find; the last one stays.
    """

    namespaces: tuple[str, ...] = ()
    largest_page: int = 50
    looks: deque[Look] = field(default_factory=deque)
    pipelines: list[dict[str, Any]] = field(default_factory=list)
    versions: list[dict[str, Any]] = field(default_factory=list)
    packages: dict[str, bytes] = field(default_factory=dict)
    experiments: list[dict[str, Any]] = field(default_factory=list)
    runs: list[dict[str, Any]] = field(default_factory=list)
    recurring_runs: list[dict[str, Any]] = field(default_factory=list)
    _numbers: itertools.count = field(default_factory=lambda: itertools.count(1))

    def answer(self, method: str, path: str, call: Call) -> dict[str, Any]:
        """Answer a call; the path begins behind /apis/v2beta1.

        Raises:
            RefusalError: with the status that Kubeflow gives.
        """
        for verb, pattern, handle in self._routes():
            if verb == method and (match := re.fullmatch(pattern, path)):
                return handle(call, *match.groups())
        raise RefusalError(404, f"no route for {method} {path}")

    def _routes(self) -> list[tuple[str, str, Callable[..., dict[str, Any]]]]:
        return [
            ("GET", "/healthz", lambda _: {"multi_user": bool(self.namespaces)}),
            ("GET", "/pipelines", self._list_pipelines),
            ("POST", "/pipelines", self._create_pipeline),
            ("POST", "/pipelines/upload_version", self._upload_version),
            ("GET", "/pipelines/([^/]+)/versions", self._list_versions),
            ("GET", "/pipelines/([^/]+)/versions/([^/]+)", self._show_version),
            ("GET", "/experiments", self._list_experiments),
            ("POST", "/experiments", self._create_experiment),
            ("GET", "/experiments/([^/]+)", lambda _, key: _find(self.experiments, "experiment_id", key)),
            ("POST", "/runs", self._create_run),
            ("GET", "/runs/([^/:]+)", self._show_run),
            ("GET", "/recurringruns", self._list_recurring_runs),
            ("POST", "/recurringruns", self._create_recurring_run),
            ("GET", "/recurringruns/([^/:]+)", lambda _, key: self._find_recurring_run(key)),
            ("DELETE", "/recurringruns/([^/:]+)", self._delete_recurring_run),
            ("POST", "/recurringruns/([^/:]+):(enable|disable)", self._switch_recurring_run),
        ]

    def _list_pipelines(self, call: Call) -> dict[str, Any]:
        return self._show_page(call, self._own(call, self.pipelines), "pipelines")

    def _create_pipeline(self, call: Call) -> dict[str, Any]:
        self._check_namespace(call.body.get("namespace", ""))
        _refuse_same_name(_share(call, self.pipelines), call.body["display_name"])
        return self._keep(self.pipelines, "pipeline_id", call.body)

    def _list_versions(self, call: Call, pipeline_id: str) -> dict[str, Any]:
        _find(self.pipelines, "pipeline_id", pipeline_id)
        versions = [version for version in self.versions if version["pipeline_id"] == pipeline_id]
        return self._show_page(call, versions, "pipeline_versions")

    def _show_version(self, _: Call, pipeline_id: str, version_id: str) -> dict[str, Any]:
        _find(self.pipelines, "pipeline_id", pipeline_id)
        return _find(self.versions, "pipeline_version_id", version_id)

    def _upload_version(self, call: Call) -> dict[str, Any]:
        pipeline_id = call.query["pipelineid"]
        _find(self.pipelines, "pipeline_id", pipeline_id)
        _refuse_same_name([v for v in self.versions if v["pipeline_id"] == pipeline_id], call.query["name"])
        given = {key: call.query[key] for key in ("name", "description") if key in call.query}
        version = {**given, "display_name": call.query.get("display_name", given["name"]), "pipeline_id": pipeline_id}
        kept = self._keep(self.versions, "pipeline_version_id", version)
        self.packages[kept["name"]] = call.package
        return kept

    def _list_experiments(self, call: Call) -> dict[str, Any]:
        self._check_namespace(call.query.get("namespace", ""))
        return self._show_page(call, self._own(call, self.experiments), "experiments")

    def _create_experiment(self, call: Call) -> dict[str, Any]:
        self._check_namespace(call.body.get("namespace", ""))
        _refuse_same_name(_share(call, self.experiments), call.body["display_name"])
        return self._keep(self.experiments, "experiment_id", {**call.body, "storage_state": "AVAILABLE"})

    def _create_run(self, call: Call) -> dict[str, Any]:
        _find(self.experiments, "experiment_id", call.body["experiment_id"])
        return self._keep(self.runs, "run_id", {**call.body, "state": "PENDING"})

    def _show_run(self, _: Call, run_id: str) -> dict[str, Any]:
        run = _find(self.runs, "run_id", run_id)
        if self.looks:
            look = self.looks.popleft() if len(self.looks) > 1 else self.looks[0]
            run |= {"state": look.state, "run_details": {"task_details": _list_nodes(run_id, look)}}
        return run

    def _list_recurring_runs(self, call: Call) -> dict[str, Any]:
        if experiment_id := call.query.get("experiment_id"):
            chosen = [run for run in self.recurring_runs if run["experiment_id"] == experiment_id]
        else:
            self._check_namespace(call.query.get("namespace", ""))
            chosen = self._own(call, self.recurring_runs)
        return self._show_page(call, chosen, "recurringRuns")

    def _create_recurring_run(self, call: Call) -> dict[str, Any]:
        experiment = _find(self.experiments, "experiment_id", call.body["experiment_id"])
        check_recurring_run(call.body)
        if reference := call.body.get("pipeline_version_reference"):
            self._show_version(call, reference["pipeline_id"], reference["pipeline_version_id"])
        shown = show_recurring_run(call.body, namespace=experiment.get("namespace", ""))
        return self._keep(self.recurring_runs, "recurring_run_id", shown)

    def _find_recurring_run(self, recurring_run_id: str) -> dict[str, Any]:
        return _find(self.recurring_runs, "recurring_run_id", recurring_run_id)

    def _delete_recurring_run(self, _: Call, recurring_run_id: str) -> dict[str, Any]:
        self.recurring_runs.remove(self._find_recurring_run(recurring_run_id))
        return {}

    def _switch_recurring_run(self, _: Call, recurring_run_id: str, verb: str) -> dict[str, Any]:
        mode = verb.upper()
        self._find_recurring_run(recurring_run_id).update(mode=mode, status=f"{mode}D")
        return {}

    def _check_namespace(self, namespace: str) -> None:
        if self.namespaces and not namespace:
            raise RefusalError(400, "Invalid input error: a namespace cannot be empty in multi-user mode")
        if self.namespaces and namespace not in self.namespaces:
            raise RefusalError(403, f"User 'reader' is not authorized in namespace {namespace!r}")

    def _own(self, call: Call, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [item for item in items if item.get("namespace", "") == call.query.get("namespace", "")]

    def _keep(self, items: list[dict[str, Any]], key: str, item: Mapping[str, Any]) -> dict[str, Any]:
        number = next(self._numbers)
        made = _STARTED + timedelta(seconds=number)
        kept = {**item, key: f"{key.removesuffix('_id')}-{number}", "created_at": f"{made.isoformat()}Z"}
        items.append(kept)
        return kept

    def _show_page(self, call: Call, items: list[dict[str, Any]], field_name: str) -> dict[str, Any]:
        chosen = _sort(
            [item for item in items if _is_chosen(item, call.query.get("filter", ""))], call.query.get("sort_by", "")
        )
        size = min(int(call.query.get("page_size") or 10), self.largest_page)
        start = int((call.query.get("page_token") or "from-0").removeprefix("from-"))
        page: dict[str, Any] = {"total_size": len(chosen)}
        if chosen[start : start + size]:
            page[field_name] = chosen[start : start + size]
        if start + size < len(chosen):
            page["next_page_token"] = f"from-{start + size}"
        return page


def _is_chosen(item: Mapping[str, Any], text: str) -> bool:
    """Compare as the database does that Kubeflow keeps its names in: capital and small letters are the same."""
    predicates = json.loads(text)["predicates"] if text else []
    return all(
        predicate["operation"] in ("EQUALS", 1)
        and item.get(predicate["key"], "").lower()
        == (predicate.get("string_value") or predicate["stringValue"]).lower()
        for predicate in predicates
    )


def _sort(items: list[dict[str, Any]], order: str) -> list[dict[str, Any]]:
    name, _, direction = order.partition(" ")
    if name not in ("", "created_at", "display_name") or direction not in ("", "asc", "desc"):
        raise RefusalError(400, f"Invalid input error: cannot sort by {order!r}")
    return sorted(items, key=lambda item: item[name], reverse=direction == "desc") if name else items


def _find(items: list[dict[str, Any]], key: str, value: str) -> dict[str, Any]:
    for item in items:
        if item[key] == value:
            return item
    raise RefusalError(404, f"ResourceNotFoundError: {key} {value} not found")


def _share(call: Call, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those in the namespace of what is to be made."""
    return [item for item in items if item.get("namespace", "") == call.body.get("namespace", "")]


def _refuse_same_name(items: list[dict[str, Any]], name: str) -> None:
    if any(item["display_name"] == name for item in items):
        raise RefusalError(409, f"Already exist error: the name {name} already exist")


def _list_nodes(run_id: str, look: Look) -> list[dict[str, Any]]:
    """Each task between its driver and its executor, and all under the root, as Kubeflow lists them."""
    nodes = [("root-driver", "SUCCEEDED"), ("root", look.state)]
    for name, state, *message in look.tasks:
        nodes += [(f"{name}-driver", "SUCCEEDED"), (name, state, *message), ("executor", state)]
    return [
        {
            "run_id": run_id,
            "task_id": f"{run_id}-{index:03}",
            "display_name": name,
            "create_time": f"2026-01-02T03:04:{index:02}Z",
            "state": state,
            **({"error": {"code": 2, "message": message[0]}} if message else {}),
        }
        for index, (name, state, *message) in enumerate(nodes)
    ]
