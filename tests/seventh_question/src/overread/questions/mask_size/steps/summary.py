"""The lines at the end of a local run of `mask-size`."""

from pathlib import Path

from overread.questions.mask_size.results import MaskSizes


def summarise(folder: Path) -> list[str]:
    """Mean load of every source."""
    sizes = MaskSizes.read(folder / "mask_sizes")
    return [f"{source}: {mean:.1f} {sizes.unit}" for source, mean in sizes.means.items()]
