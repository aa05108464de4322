"""One MLflow run, written to as a training goes."""

import json
import logging
import shutil
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, TypeAlias

from overread.adapters.mlflow_calls import TrackingOutageError, apply_operation
from overread.adapters.outbox import keep_pending
from overread.adapters.storage import ResultStore
from overread.adapters.tracking_records import (
    LogFile,
    LogMetrics,
    LogSettings,
    LogStudy,
    MetricPoint,
    Operation,
    PendingRun,
    RunStatus,
    SetStatus,
    SetTags,
)
from overread.adapters.urls import hide_credentials
from overread.errors import OverreadError, TrackingError

MAX_METRIC_NAMES = 30
_LOGGER = logging.getLogger(__name__)
_FLUSH_POINTS = 500
_FLUSH_SECONDS = 10.0

Ending: TypeAlias = Literal["at_exit", "on_finish", "by_platform"]
"""Who ends a run: leaving its `with` block, a call of `finish`, or the platform that opened it."""


class TrackedRun:
    """A run that can be written to; use it in a `with` block.

    An outage of MLflow does not raise: from then on everything is kept, told again at the end of the block, and put
    into the outbox of the result store if MLflow is still away. What MLflow refuses raises `TrackingError`.

    Args:
        client: an `MlflowClient`.
        store: where the outbox is.
        run_id: the run.
        tracking_uri: address of MLflow.
        url: page of the run, or its address where MLflow has no pages.
        ending: who ends the run.
        last_steps: highest step of each metric that the run has; points up to it are skipped.
    """

    def __init__(
        self,
        client: Any,
        store: ResultStore,
        run_id: str,
        *,
        tracking_uri: str,
        url: str,
        ending: Ending,
        last_steps: Mapping[str, int],
    ) -> None:
        self.run_id = run_id
        self.url = url
        self._client = client
        self._store = store
        self._tracking_uri = tracking_uri
        self._ending = ending
        self._last_steps = dict(last_steps)
        self._points: list[MetricPoint] = []
        self._flushed = time.monotonic()
        self._pending: list[Operation] = []
        self._scratch: tempfile.TemporaryDirectory[str] | None = None

    @property
    def is_cut_off(self) -> bool:
        """Whether MLflow failed since the block was entered, so that things wait to be told."""
        return bool(self._pending)

    def log_metrics(self, values: Mapping[str, float], *, step: int = 0) -> None:
        """Log metrics of one epoch or, with step 0, of the whole run; they are sent in batches.

        A step that the run has already is skipped, so a resumed training may log its whole history again.

        Raises:
            TrackingError: the run would have more than `MAX_METRIC_NAMES` metrics.
        """
        names = self._last_steps.keys() | values.keys()
        if len(names) > MAX_METRIC_NAMES:
            raise TrackingError(
                f"a run must have at most {MAX_METRIC_NAMES} metric names, got {len(names)}; run {self.run_id}. "
                "Hint: log per-case values and matrices as files."
            )
        now_ms = time.time_ns() // 1_000_000
        for name, value in values.items():
            if step > self._last_steps.get(name, -1):
                self._points.append(MetricPoint(name=name, value=value, step=step, timestamp_ms=now_ms))
                self._last_steps[name] = step
        if len(self._points) >= _FLUSH_POINTS or time.monotonic() - self._flushed > _FLUSH_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Send the metrics that wait."""
        self._flushed = time.monotonic()
        if self._points:
            points, self._points = tuple(self._points), []
            self._tell(LogMetrics(points=points))

    def log_settings(self, values: Mapping[str, object]) -> None:
        """Log settings as text; one that the run has already keeps its value, with a warning if it differs."""
        self._tell(LogSettings(values={name: str(value) for name, value in values.items()}))

    def log_study(self, name: str, *, digest: str, revision: str, uri: str = "") -> None:
        """Log the study that the run reads: its name, SHA-256 digest, revision and address."""
        self._tell(LogStudy(name=name, digest=digest, revision=revision, uri=hide_credentials(uri)))

    def log_verdict(self, verdict: str) -> None:
        """Tag the run with the answer to its question, by which runs are filtered and compared."""
        self._tell(SetTags(values={"verdict": verdict}))

    def log_file(self, path: Path, folder: str = "") -> None:
        """Log a table, figure or report under the run's artifact folder `folder`, in place of one of the same name.

        Raises:
            TrackingError: there is no such file.
        """
        if not path.is_file():
            raise TrackingError(f"a file to log must exist, got {path}.")
        self._tell(LogFile(file=path.name, folder=folder), source=path)

    def log_network(self, weights: Path, settings: Mapping[str, object]) -> None:
        """Log a network as `network/<weights>` (safetensors, which is safe to load) and `network/network.json`.

        Raises:
            TrackingError: the weights are in another format.
        """
        if weights.suffix != ".safetensors":
            raise TrackingError(f"weights must be a .safetensors file, which is safe to load, got {weights.name}.")
        self.log_file(weights, "network")
        with tempfile.TemporaryDirectory(prefix="overread-network-") as scratch:
            path = Path(scratch) / "network.json"
            path.write_text(json.dumps(settings, indent=1), encoding="utf-8")
            self.log_file(path, "network")

    def finish(self) -> None:
        """End the run as finished, unless the platform that opened it does so."""
        self._end("FINISHED")

    def fail(self) -> None:
        """End the run as failed, unless the platform that opened it does so."""
        self._end("FAILED")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if error is not None:
                self._end("FAILED" if isinstance(error, Exception) else "KILLED")
            elif self._ending == "at_exit":
                self._end("FINISHED")
            self.flush()
            self._settle()
        except OverreadError as own:
            if error is None:
                raise
            _LOGGER.warning("the failure could not be tracked: %s", own)
        finally:
            if self._scratch is not None:
                self._scratch.cleanup()
                self._scratch = None

    def _end(self, status: RunStatus) -> None:
        self.flush()
        if self._ending != "by_platform":
            self._tell(SetStatus(status=status))

    def _tell(self, operation: Operation, *, source: Path | None = None) -> None:
        if not self._pending:
            try:
                folder = Path() if source is None else source.parent
                apply_operation(self._client, self.run_id, operation, files=folder)
                return
            except TrackingOutageError as error:
                _LOGGER.warning("tracking goes on without MLflow: %s", error)
        if isinstance(operation, LogFile) and source is not None:
            operation = self._keep_file(operation, source)
        self._pending.append(operation)

    @property
    def _kept_files(self) -> Path:
        if self._scratch is None:
            self._scratch = tempfile.TemporaryDirectory(prefix="overread-run-")
        return Path(self._scratch.name)

    def _keep_file(self, operation: LogFile, source: Path) -> LogFile:
        name = f"{len(self._pending)}/{operation.file}"
        (self._kept_files / name).parent.mkdir()
        shutil.copyfile(source, self._kept_files / name)
        return operation.model_copy(update={"file": name})

    def _settle(self) -> None:
        """Tell MLflow what waits, or put it into the outbox."""
        try:
            while self._pending:
                apply_operation(self._client, self.run_id, self._pending[0], files=self._kept_files)
                del self._pending[0]
        except TrackingOutageError:
            address = hide_credentials(self._tracking_uri)
            pending = PendingRun(run_id=self.run_id, tracking_uri=address, operations=tuple(self._pending))
            key = keep_pending(self._store, pending, self._kept_files)
            _LOGGER.warning("kept for MLflow in %s/%s, told when a run is opened next", self._store.url, key)
