"""From a template and its values to one self-contained HTML page."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from overread.report import formatting

_TEMPLATES = Path(__file__).with_name("templates")


def render_page(template: Path, values: Mapping[str, object]) -> str:
    """Render a template; every value is escaped, and a missing one is an error.

    Args:
        template: the file; it may include others of its folder, and it extends `base.html.j2` of `report/templates`.
        values: what the template names; `context: RunContext` always.
    """
    return _build_environment(template.parent).get_template(template.name).render(values)


def write_page(path: Path, html: str) -> None:
    """Write a page as UTF-8 with plain line ends, so that equal content gives equal bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(html, encoding="utf-8", newline="\n")


@cache
def _build_environment(folder: Path) -> Environment:
    environment = Environment(
        loader=FileSystemLoader([folder, _TEMPLATES]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "dice": formatting.format_dice,
        "load": formatting.format_load,
        "number": formatting.format_number,
        "interval": formatting.format_interval,
        "p_value": formatting.format_p,
        "percent": formatting.format_percent,
        "duration": formatting.format_duration,
        "counted": formatting.format_count,
        "names": formatting.join_names,
        "short": formatting.shorten_digest,
    }
    return environment
