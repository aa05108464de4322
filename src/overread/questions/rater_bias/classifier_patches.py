"""Patches around outlines, for the source classifier: drawn as records, cut from records."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from overread.labels.seeds import seed_generator
from overread.networks.hardware import select_memory_format
from overread.networks.settings import count_network_dimensions
from overread.questions.rater_bias.classifier_masks import DrawnMask
from overread.training.sampling import PatchRecord, apply_patch
from overread.training.settings import ClassifierSettings, SamplingSettings


def sample_outline_patch(
    settings: ClassifierSettings,
    masks: Sequence[DrawnMask],
    index: int,
    generator: np.random.Generator,
    *,
    like: PatchRecord | None = None,
) -> PatchRecord:
    """Draw a patch whose centre is an outline voxel of a mask, or up to `centre_jitter` voxels from one.

    Args:
        settings: jitter and flips.
        masks: none of them is empty.
        index: which of the masks.
        generator: what it is drawn from.
        like: a patch of another mask of the case; then the outline voxel nearest to its centre is taken, and its flips.
    """
    case, outline = masks[index].case, masks[index].outline_voxels
    shape, channels = case.mask.shape, case.image.shape[0]
    if like is None:
        on_outline = outline[generator.integers(len(outline))]
        flips = tuple(bool(flip) for flip in generator.integers(2, size=len(shape)) * settings.flips)
    else:
        on_outline = outline[((outline - np.array(like.centre)) ** 2).sum(axis=1).argmin()]
        flips = like.flips
    stray = generator.integers(-settings.centre_jitter, settings.centre_jitter + 1, len(shape))
    return PatchRecord(
        case_index=index,
        centre=tuple(int(centre) for centre in np.clip(on_outline + stray, 0, np.subtract(shape, 1))),
        flips=flips,
        rotation_radians=0.0,
        zoom=1.0,
        gain=(1.0,) * channels,
        offset=(0.0,) * channels,
        noise_seed=0,
    )


def sample_training_patches(
    settings: ClassifierSettings, masks: Sequence[DrawnMask], generator: np.random.Generator, *, source_count: int
) -> list[PatchRecord]:
    """Draw a batch: at each of several places, a patch of every source that outlined the case.

    One place as several sources drew it shows what is due to the source and what to the image, which shortens the
    training. A place is drawn on a mask that every pair of source and label is equally likely to provide, so that in
    the shuffled baseline the label says nothing about the source.

    Returns:
        `batch_size` patches, or fewer where cases lack sources or it is not a multiple of `source_count`; at least one.
    """
    pairs: dict[tuple[int, int], list[int]] = {}
    companions: dict[str, list[int]] = {}
    for index, mask in enumerate(masks):
        pairs.setdefault((mask.source, mask.label), []).append(index)
        companions.setdefault(mask.case.case_id, []).append(index)
    groups = [pairs[pair] for pair in sorted(pairs)]
    records = []
    for _ in range(max(1, settings.batch_size // source_count)):
        first = int(generator.choice(groups[generator.integers(len(groups))]))
        records.append(sample_outline_patch(settings, masks, first, generator))
        others = [index for index in companions[masks[first].case.case_id] if index != first]
        like = records[-1]
        records += [sample_outline_patch(settings, masks, other, generator, like=like) for other in others]
    return records


def sample_test_patches(settings: ClassifierSettings, masks: Sequence[DrawnMask], index: int) -> list[PatchRecord]:
    """Draw the patches by which a mask is tested; they depend on the seed, the case and the label set alone."""
    mask, still = masks[index], settings.model_copy(update={"flips": False})
    generator = seed_generator(settings.seed, mask.case.case_id, mask.name)
    return [sample_outline_patch(still, masks, index, generator) for _ in range(settings.patches_per_case)]


def apply_patches(
    settings: ClassifierSettings, masks: Sequence[DrawnMask], records: Sequence[PatchRecord], device: torch.device
) -> tuple[Tensor, Tensor]:
    """Cut patches: image (B, C, *P) and mask (B, 1, *P), both float32, without the last axis of slices.

    Outside of a case they are 0, which is the mean intensity, and background.
    """
    dimensions = count_network_dimensions(settings.patch_size)
    cases, cutting = [mask.case for mask in masks], SamplingSettings(patch_size=settings.patch_size)
    patches = [apply_patch(cutting, cases, record) for record in records]
    shape = (len(patches), -1, *settings.patch_size[:dimensions])
    image = torch.from_numpy(np.stack([image for image, _ in patches])).reshape(shape)
    mask = torch.from_numpy(np.stack([mask for _, mask in patches]).astype(np.float32)).reshape(shape)
    memory_format = select_memory_format(dimensions)
    return image.to(device, memory_format=memory_format), mask.to(device, memory_format=memory_format)
