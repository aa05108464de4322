"""The report of the pipeline `mask-size`."""

from pathlib import Path

from overread.questions.mask_size.results import MaskSizes

from overread.report.context import RunContext
from overread.report.page import render_page, write_page

_TEMPLATE = Path(__file__).with_name("mask_size.html.j2")


def write_size_report(path: Path, *, sizes: MaskSizes, context: RunContext) -> None:
    """Write the page."""
    write_page(path, render_page(_TEMPLATE, {"sizes": sizes, "context": context}))
