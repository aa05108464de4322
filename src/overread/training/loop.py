"""The training loop of all networks: segmentation networks, source classifiers and acquisition probes."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import cos, pi
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from overread.errors import TrainingError
from overread.networks.hardware import make_deterministic, place_network
from overread.training.checkpoint import TrainingState, load_checkpoint, save_checkpoint
from overread.training.history import Epoch

Report = TypeVar("Report", bound=Epoch)


class Course(ABC, Generic[Report]):
    """What a network is put through: how each step's loss is computed, and how epochs are judged.

    An epoch must depend on nothing but the weights, the optimiser and its number: all that is random is drawn from
    generators that are seeded anew in every step or every epoch (see `seed_step`).

    Attributes:
        report_type: what is known of an epoch.
    """

    report_type: type[Report]

    @property
    @abstractmethod
    def epochs(self) -> int:
        """How many there are, if the training does not end early."""

    @property
    @abstractmethod
    def dimensions(self) -> int:
        """Spatial axes of the network."""

    @abstractmethod
    def build_optimiser(self, network: nn.Module) -> torch.optim.Optimizer:
        """An optimiser of the network's weights, in one group."""

    @abstractmethod
    def compute_losses(self, network: nn.Module, epoch: int, device: torch.device) -> Iterator[tuple[float, Tensor]]:
        """Step size and loss of every step of an epoch, counted from 0; each is asked for when the last is done."""

    @abstractmethod
    def validate(self, network: nn.Module, epoch: int, device: torch.device) -> Mapping[str, float | None]:
        """Further figures of the report after an epoch, counted from 1."""

    @abstractmethod
    def choose(self, reports: Sequence[Report]) -> int:
        """The epoch, counted from 1, whose weights are kept if the training ends now; 0 while there is none."""

    def is_over(self, _: Sequence[Report], /) -> bool:
        """Whether the training ends before all epochs are done."""
        return False

    def watch(self, _: nn.Module, /) -> Mapping[str, float]:
        """Figures of the report whose cost does not count as training."""
        return {}


@dataclass(frozen=True)
class Session(Generic[Report]):
    """Where a training runs and how it is kept.

    Attributes:
        device: where to train.
        checkpoint: file that is written after every epoch and resumed from where it exists.
        fingerprint: names this training; a checkpoint of another one is refused.
        on_epoch: called after every epoch, when the checkpoint is on disk, with the reports of all epochs so far, those
            before an interruption included.
    """

    device: torch.device
    checkpoint: Path
    fingerprint: str
    on_epoch: Callable[[Sequence[Report]], None]


def train(
    network: nn.Module,
    course: Course[Report],
    *,
    session: Session[Report],
    start: TrainingState[Report] | None = None,
) -> TrainingState[Report]:
    """Train a network and leave in it the weights of the epoch that the course chooses.

    A training that was interrupted goes on from its checkpoint exactly as if it had not been.

    Args:
        network: freshly initialised, or with the weights that belong to `start`; trained in place.
        course: what it is put through.
        session: where to train, and what to resume.
        start: epochs that the network has behind it, which count as the first ones of this training; None for none.

    Returns:
        The state at the end.

    Raises:
        TrainingError: the loss is not finite; the checkpoint is damaged, or belongs to another training.
    """
    make_deterministic()
    place_network(network, session.device, dimensions=course.dimensions)
    optimiser = course.build_optimiser(network)
    state = _resume(session, course, network, optimiser) or (TrainingState() if start is None else replace(start))

    while state.epoch < course.epochs and not course.is_over(state.reports):
        started, losses = time.perf_counter(), []
        network.train()
        for learning_rate, loss in course.compute_losses(network, state.epoch, session.device):
            optimiser.param_groups[0]["lr"] = learning_rate
            torch.autograd.backward(loss)
            optimiser.step()
            optimiser.zero_grad()
            losses.append(loss.detach())
        state.epoch += 1
        mean_loss = float(torch.stack(losses).mean())
        if not np.isfinite(mean_loss):
            raise TrainingError(f"the loss must stay finite, got {mean_loss} in epoch {state.epoch}.")

        validation = course.validate(network, state.epoch, session.device)
        state.seconds += time.perf_counter() - started
        figures = {"epoch": state.epoch, "loss": mean_loss, "learning_rate": learning_rate, "seconds": state.seconds}
        report = course.report_type.model_validate({**figures, **validation, **_watch(network, course, state)})
        state.reports = (*state.reports, report)
        if course.choose(state.reports) == state.epoch:
            state.kept_epoch, state.kept_weights = state.epoch, copy_weights(network)
        save_checkpoint(
            session.checkpoint,
            fingerprint=session.fingerprint,
            state=state,
            network=network.state_dict(),
            optimiser=optimiser.state_dict(),
        )
        session.on_epoch(state.reports)

    network.load_state_dict(state.kept_weights)
    return state


def seed_step(seed: int, step: int) -> np.random.Generator:
    """The generator of a step, counted from 0; torch's own, from which dropout draws, is seeded by it."""
    generator = np.random.default_rng((seed, step))
    torch.manual_seed(int(generator.integers(2**63)))
    return generator


def anneal_cosine(learning_rate: float, step: int, count: int) -> float:
    """Step size that falls as a half cosine from `learning_rate` at step 0 to 0 at step `count`."""
    return learning_rate * 0.5 * (1 + cos(pi * step / count))


def copy_weights(network: nn.Module) -> dict[str, Tensor]:
    """A copy of a network's weights on the CPU."""
    return {name: weight.detach().cpu().clone() for name, weight in network.state_dict().items()}


def _resume(
    session: Session[Report], course: Course[Report], network: nn.Module, optimiser: torch.optim.Optimizer
) -> TrainingState[Report] | None:
    found = load_checkpoint(
        session.checkpoint,
        fingerprint=session.fingerprint,
        report_type=course.report_type,
        device=session.device,
    )
    if found is None:
        return None
    state, weights, optimiser_state = found
    network.load_state_dict(weights)
    optimiser.load_state_dict(optimiser_state)
    return state


def _watch(network: nn.Module, course: Course[Report], state: TrainingState[Report]) -> Mapping[str, float]:
    started = time.perf_counter()
    found = course.watch(network)
    if found:
        state.watching_seconds += time.perf_counter() - started
    return found
