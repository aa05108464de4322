"""What is left to do about telemetry when a pipeline run ends."""

from overread.adapters.storage import open_store
from overread.adapters.telemetry import remove_old_groups, tell_kept_metrics


def tidy_telemetry(store: str) -> None:
    """Tell what outages kept back, and remove what has not been told for a week, so that it is not scraped for ever.

    Args:
        store: address of the result store.
    """
    tell_kept_metrics(open_store(store))
    remove_old_groups()
