"""The checkpoint of a training, kept in the result store while the training lasts."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from overread.adapters.storage import ResultStore
from overread.training.history import Epoch

CHECKPOINT_FILE = "checkpoint.pt"


@contextmanager
def keeping_checkpoint(store: ResultStore | None, key: str) -> Iterator[tuple[Path, Callable[[Sequence[Epoch]], None]]]:
    """Give a training its checkpoint as the store has it; it is deleted there when the block ends without an error.

    Args:
        store: the result store; None keeps nothing beyond the block.
        key: where the store keeps the result of the training.

    Yields:
        The checkpoint's file, and what a training must call after every epoch, so that the store has it too.
    """
    with tempfile.TemporaryDirectory(prefix="overread-training-") as scratch:
        checkpoint = Path(scratch) / CHECKPOINT_FILE
        if store is None:
            yield checkpoint, lambda _: None
            return
        store.load_file(key, CHECKPOINT_FILE, checkpoint)
        yield checkpoint, lambda _: store.save_file(key, CHECKPOINT_FILE, checkpoint)
        store.delete_file(key, CHECKPOINT_FILE)
