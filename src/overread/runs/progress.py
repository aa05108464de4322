"""Telling whoever watches a step how it goes."""

MARK = "→ "
"""Lines of a step's output that begin with this are for people; the local runner shows them and hides the rest."""


def report_progress(text: str) -> None:
    """Print one line of progress at once."""
    print(MARK + text, flush=True)
