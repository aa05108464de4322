"""How the report of `retrain` writes networks, versions, revisions and days."""

from datetime import UTC, datetime

from overread.questions.retrain.records import KeptNetwork, NetworkDecision
from overread.report.formatting import ABSENT, NO_BREAK

_COMMIT_DIGITS = 7


def write_version(version: int | None) -> str:
    """A version of a registered network; "–" where there is none."""
    return ABSENT if version is None else f"version{NO_BREAK}{version}"


def write_revision(revision: str) -> str:
    """As many digits of a commit as git shows."""
    return revision[:_COMMIT_DIGITS] or ABSENT


def write_day(timestamp: float | None) -> str:
    """Day of a time in seconds since 1970, in UTC; "–" where it is not known."""
    if timestamp is None:
        return ABSENT
    day = datetime.fromtimestamp(timestamp, UTC)
    return f"{day.day}{NO_BREAK}{day:%B}{NO_BREAK}{day.year}"


def is_up_to_date(network: KeptNetwork, decision: NetworkDecision | None) -> bool:
    """Whether the champion, after the decision of the run if there is one, learnt the newest labels."""
    return network.state == "current" if decision is None else decision.champion == decision.version
