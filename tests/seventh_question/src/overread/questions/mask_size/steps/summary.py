"""The lines at the end of a local run of `mask-size`."""

from pathlib import Path

from overread.questions.mask_size.results import MaskSizes


def summarise(folder: Path) -> list[str]:
    """Mean load of every source."""
    sizes = MaskSizes.model_validate_json((folder / "mask_sizes").read_text(encoding="utf-8"))
    return [f"{source}: {mean:.1f} {sizes.unit}" for source, mean in sizes.means.items()]
