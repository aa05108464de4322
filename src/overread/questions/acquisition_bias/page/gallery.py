"""Slices of each class as the probes see them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from overread.questions.acquisition_bias.package_scores import PackageScores
from overread.questions.acquisition_bias.page.figures import draw_probe_slice
from overread.questions.acquisition_bias.probe_regions import find_bodies, render_region
from overread.questions.acquisition_bias.probe_settings import REGIONS, ProbeImageSettings, Region
from overread.questions.acquisition_bias.probe_slices import read_slices
from overread.questions.acquisition_bias.probe_stacks import StackSummary
from overread.report.figures.canvas import Figure
from overread.study.study import Study

MOST_CLASSES = 4


@dataclass(frozen=True)
class ProbeExample:
    """One case of the gallery.

    Attributes:
        label: its class.
        case_id: the case.
        probability: the whole-slice probe's probability of its class, mean over packages.
        slice_index: which of its slices, from 0.
        slice_count: slices of the case.
        pictures: each region and its picture.
    """

    label: str
    case_id: str
    probability: float
    slice_index: int
    slice_count: int
    pictures: tuple[tuple[Region, Figure], ...]


def choose_example_cases(scores: PackageScores, classes: Sequence[str]) -> tuple[tuple[str, str, float], ...]:
    """The case of each class whose probability of its own class is the median: class, case, probability.

    With an even number of cases the lower of the two in the middle is taken, ties go by case id; of more than 4
    classes the 4 with most cases are shown.

    Args:
        scores: of the variant whole.
        classes: in the order of the probabilities.
    """
    own = scores.probabilities.mean(axis=1)[np.arange(len(scores.labels)), scores.labels]
    chosen = []
    for index, label in enumerate(classes):
        places = sorted(np.flatnonzero(scores.labels == index), key=lambda place: (own[place], scores.case_ids[place]))
        if places:
            middle = places[(len(places) - 1) // 2]
            chosen.append((len(places), label, scores.case_ids[middle], float(own[middle])))
    largest = sorted(chosen, key=lambda one: (-one[0], one[1]))[:MOST_CLASSES]
    return tuple(
        (label, case_id, probability) for _, label, case_id, probability in sorted(largest, key=lambda o: o[1])
    )


def draw_examples(
    scores: PackageScores,
    classes: Sequence[str],
    *,
    study: Study,
    settings: ProbeImageSettings,
    stacks: StackSummary,
) -> tuple[ProbeExample, ...]:
    """Draw the middle slice of the chosen cases in every region.

    Args:
        scores: of the variant whole.
        classes: in the order of the probabilities.
        study: where images are read.
        settings: how slices are made.
        stacks: the scales that the probes were trained with.
    """
    return tuple(
        _draw(study, label, case_id, probability, settings, stacks)
        for label, case_id, probability in choose_example_cases(scores, classes)
    )


def _draw(
    study: Study, label: str, case_id: str, probability: float, settings: ProbeImageSettings, stacks: StackSummary
) -> ProbeExample:
    slices = read_slices(study, case_id, settings)
    index = len(slices) // 2
    stack = find_bodies(slices[index : index + 1], threshold=stacks.body_threshold, margin=settings.margin)
    pictures = []
    for region in REGIONS:
        shown = render_region(stack, region, stacks.find_scale(region), settings)[0]
        pictures.append((region, draw_probe_slice(shown, title=f"Case {case_id} ({label}), {region}")))
    return ProbeExample(label, case_id, probability, index, len(slices), tuple(pictures))
