"""Trainings of any kind: kept in the result store, told to MLflow and Prometheus, and never done twice at a time."""

import logging
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from overread.adapters.lease import holding_lease
from overread.adapters.storage import ResultStore, open_store
from overread.runs.described_training import EPOCHS_FILE, DescribedTraining, TrainingRecord, collect_epochs
from overread.runs.pipeline_run import connect, is_tracked, mark_tracked
from overread.runs.progress import report_progress
from overread.runs.reuse import reuse_result
from overread.runs.telemetry_trainings import announcing_ends, forget_gpu_memory, tell_beginning, tell_epoch
from overread.runs.training_run import log_epochs, log_record, open_training_run
from overread.runs.workers import Failure, attempt_side_by_side, run_side_by_side
from overread.training.history import Epoch

if TYPE_CHECKING:
    from overread.adapters.tracking import TrackedRun
    from overread.training.loop import Session

CHECKPOINT_FILE = "checkpoint.pt"
_LOGGER = logging.getLogger(__name__)

Report = TypeVar("Report", bound=Epoch)
Work = TypeVar("Work", bound="TrackedTraining[Any]")


@dataclass(frozen=True)
class TrackedTraining(ABC, Generic[Report]):
    """One training, and where everything lies; it can be sent to another process.

    Attributes:
        training: what it is known by.
        folder: gets what it leaves.
        store: address of the result store.
    """

    training: DescribedTraining
    folder: Path
    store: str

    @abstractmethod
    def train(self, session: "Session[Report]") -> None:
        """Train, and fill the folder."""

    @abstractmethod
    def describe_end(self) -> str:
        """A line about the training that has filled the folder."""

    def read_record(self) -> TrainingRecord:
        """Read from the folder what MLflow is told of the finished training."""
        return TrainingRecord.read(self.folder / EPOCHS_FILE)


def reuse_trainings(work: Sequence[Work]) -> list[Work]:
    """Take what is finished from the store; of that, MLflow is told what it does not know to the end.

    Returns:
        The trainings that are left.
    """
    is_reused = [_reuse(item) for item in work]
    _log_untracked([item for item, reused in zip(work, is_reused, strict=True) if reused])
    return [item for item, reused in zip(work, is_reused, strict=True) if not reused]


def train_side_by_side(
    work: Sequence[Work], *, store: str, processes: int, attempts: int = 1
) -> Iterator[Work | Failure[Work]]:
    """Train what the store lacks; one that was interrupted goes on from its checkpoint there.

    A training that another task is at is waited for, and its result is taken.

    Args:
        work: trainings with different names.
        store: address of their result store.
        processes: trainings at a time, one thread each.
        attempts: how often a training that fails is tried; with one attempt, its error is raised.

    Yields:
        Each training when it has ended, or its failure.
    """
    named = {item.training.name: item for item in work}
    with announcing_ends([item.training for item in work], store) as announce_end:
        outcomes: Iterator[str | Failure[Work]]
        if attempts > 1 and work:
            outcomes = attempt_side_by_side(train_tracked, work, processes=processes, attempts=attempts)
        else:
            outcomes = run_side_by_side(train_tracked, work, processes=processes)
        for outcome in outcomes:
            ended = outcome.argument if isinstance(outcome, Failure) else named[outcome]
            announce_end(ended.training)
            if isinstance(outcome, Failure):
                yield outcome
            else:
                report_progress(ended.describe_end())
                yield ended


def train_tracked(item: TrackedTraining[Any]) -> str:
    """Train, unless another run of a pipeline is at it: then wait for what comes of that.

    Returns:
        The name of the training.
    """
    training = item.training

    def on_waiting() -> None:
        report_progress(f"{training.name}: waits for another run that trains it")

    with holding_lease(open_store(item.store), training.fingerprint, on_waiting=on_waiting):
        if not _reuse(item):
            _train_alone(item)
    return training.name


@contextmanager
def keeping_checkpoints(store: ResultStore, key: str) -> Iterator[tuple[Path, Callable[[], None]]]:
    """Give a training its checkpoints as the store has them; they are deleted there when the block ends without error.

    Args:
        store: the result store.
        key: where the store keeps the result of the training.

    Yields:
        The file of the checkpoint, and what to call when it, or another one beside it, has been written.
    """
    with tempfile.TemporaryDirectory(prefix="overread-training-") as scratch:
        folder = Path(scratch)
        for name in _list_checkpoints(store, key):
            store.load_file(key, name, folder / name)

        def keep_newest() -> None:
            newest = max(folder.glob("*.pt"), key=lambda path: path.stat().st_mtime_ns)
            store.save_file(key, newest.name, newest)

        yield folder / CHECKPOINT_FILE, keep_newest
        for name in _list_checkpoints(store, key):
            store.delete_file(key, name)


def _list_checkpoints(store: ResultStore, key: str) -> list[str]:
    return [name for name in store.list_files(key) if name.endswith(".pt")]


def _train_alone(item: TrackedTraining[Any]) -> None:
    from overread.networks.hardware import describe_device, limit_threads, select_device
    from overread.training.loop import Session

    limit_threads(1)
    training, store, device = item.training, open_store(item.store), select_device("auto")
    item.folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        run = _open_run(item, stack, device=describe_device(device))
        with keeping_checkpoints(store, training.key) as (checkpoint, keep_checkpoint):

            def on_epoch(reports: Sequence[Epoch]) -> None:
                keep_checkpoint()
                if run is not None:
                    log_epochs(run, collect_epochs(reports))
                tell_epoch(training, reports, store=store, device=device)

            tell_beginning(training, store=store)
            forget_gpu_memory(device)
            item.train(Session(device, checkpoint, training.fingerprint, on_epoch))
            store.publish(training.key, item.folder)
        if run is not None:
            log_record(run, item.read_record(), item.folder)
    if run is not None and not run.is_cut_off:
        mark_tracked(store, training.key)


def _open_run(item: TrackedTraining[Any], stack: ExitStack, *, device: str) -> "TrackedRun | None":
    """The run in MLflow, None while MLflow is away."""
    from overread.adapters.mlflow_calls import TrackingOutageError

    try:
        tracker = connect(item.training.run, item.store)
        return stack.enter_context(open_training_run(tracker, item.training, device=device))
    except TrackingOutageError as error:
        _LOGGER.warning("training goes on untracked, the next run of the pipeline will log it: %s", error)
        return None


def _reuse(item: TrackedTraining[Any]) -> bool:
    found = reuse_result(open_store(item.store), item.training.key, item.folder)
    if found:
        report_progress(f"{item.training.name}: reused")
    return found


def _log_untracked(finished: Sequence[TrackedTraining[Any]]) -> None:
    """Log finished trainings that MLflow does not know to the end: it was away, is another one, or they were killed."""
    from overread.adapters.mlflow_calls import TrackingOutageError

    untold = [item for item in finished if not is_tracked(open_store(item.store), item.training.key)]
    if not untold:
        return
    try:
        tracker = connect(untold[0].training.run, untold[0].store)
        for item in untold:
            if not tracker.has_finished(item.training.fingerprint):
                record = item.read_record()
                with open_training_run(tracker, item.training, device=record.device) as run:
                    log_record(run, record, item.folder)
            mark_tracked(open_store(item.store), item.training.key)
    except TrackingOutageError as error:
        _LOGGER.warning("finished trainings are kept and will be logged by the next run: %s", error)
