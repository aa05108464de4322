"""How a local run fails."""


class TaskFailureError(Exception):
    """A task failed for a reason that is not its user's to mend; the message holds the task's traceback."""
