"""The part of a training that ends where masks are to be relabelled."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import nn

from overread.inference.settings import UncertaintySettings
from overread.inference.sliding_window import Windowing
from overread.inference.uncertainty import estimate_working_uncertainty
from overread.networks.ensemble import NetworkEnsemble, list_members
from overread.study.working_cases import WorkingCase
from overread.training.checkpoint import TrainingState
from overread.training.context import TrainingContext
from overread.training.epoch_choice import BestValidation, EpochChoice, FastestFall, FixedEpoch
from overread.training.history import EpochReport
from overread.training.loop import Session
from overread.training.losses import build_batch_loss
from overread.training.segmentation import Lesson, train_segmentation
from overread.training.settings import Relabelling
from overread.types import Spacing


@dataclass(frozen=True)
class Watch:
    """How uncertainty is estimated between two epochs.

    Attributes:
        cases: the training cases.
        read_spacing: voxel size of the working grid of a case.
        settings: method and number of predictions.
        windowing: how networks are applied.
    """

    cases: Sequence[WorkingCase]
    read_spacing: Callable[[str], Spacing]
    settings: UncertaintySettings
    windowing: Windowing

    def measure(self, network: nn.Module) -> float:
        """ΣU of Redekop and Chernyavskiy (2021), section 3.2: the cumulative uncertainty, mean over the cases."""
        return float(np.mean([self._measure_case(network, case) for case in self.cases]))

    def _measure_case(self, network: nn.Module, case: WorkingCase) -> float:
        maps = estimate_working_uncertainty(
            list_members(network),
            case,
            spacing=self.read_spacing(case.case_id),
            settings=self.settings,
            windowing=self.windowing,
        )
        return maps.cumulative_aleatoric


WATCHED_CHECKPOINT = "watched.pt"
"""File beside the checkpoint of the training that goes on afterwards."""


def train_until_relabelling(
    network: nn.Module, context: TrainingContext, relabelling: Relabelling
) -> tuple[nn.Module, TrainingState[EpochReport]]:
    """Train with the labels as they are, and estimate the uncertainty after every epoch, until the rule is content.

    Args:
        network: freshly initialised; the first member where several networks estimate the uncertainty together.
        context: the training.
        relabelling: method, members and rule.

    Returns:
        The network, or the ensemble, with the weights of the chosen epoch, and the state at the end.
    """
    watched = _add_members(network, context, relabelling.members)
    cases, settings = context.cases, context.preset.training
    choice = _select_choice(relabelling, settings.patience)
    lesson = Lesson(
        draw_cases=lambda _: cases.train,
        validation_cases=cases.validation,
        loss=build_batch_loss(settings, context.session.device, draw_first_cases=lambda: cases.train),
        choice=choice,
        learnt_masks=cases.learnt_masks,
        measure_uncertainty=_build_watch(context, relabelling).measure,
    )
    state = train_segmentation(
        watched,
        lesson,
        settings=settings,
        inference=context.preset.inference,
        seed=context.job.seed,
        session=_name_session(context.session, choice),
    )
    return watched, state


def _add_members(network: nn.Module, context: TrainingContext, count: int) -> nn.Module:
    if count == 1:
        return network
    members = [network]
    for index in range(1, count):
        torch.manual_seed(context.job.seed + 1000 * index)
        members.append(context.build_network())
    return NetworkEnsemble(members)


def _select_choice(relabelling: Relabelling, patience: int) -> EpochChoice:
    if relabelling.after == "uncertainty":
        return FastestFall()
    return BestValidation(patience) if relabelling.after == "clean" else FixedEpoch(relabelling.after)


def _build_watch(context: TrainingContext, relabelling: Relabelling) -> Watch:
    settings = context.preset.training

    def read_spacing(case_id: str) -> Spacing:
        return settings.working_spacing or context.study.read_spacing(case_id)

    return Watch(
        cases=context.cases.train,
        read_spacing=read_spacing,
        settings=relabelling.uncertainty,
        windowing=Windowing(
            settings.sampling.patch_size, context.preset.inference, settings.precision, context.session.device
        ),
    )


def _name_session(session: Session[EpochReport], choice: EpochChoice) -> Session[EpochReport]:
    """A session with a checkpoint of its own, which tells only of epochs that the training will keep."""

    def on_epoch(reports: Sequence[EpochReport]) -> None:
        session.on_epoch(reports[: choice.choose(reports)])

    return replace(
        session,
        checkpoint=session.checkpoint.with_name(WATCHED_CHECKPOINT),
        fingerprint=f"{session.fingerprint}-watched",
        on_epoch=on_epoch,
    )
