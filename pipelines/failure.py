"""How a run fails, on this machine or on Kubeflow."""


class TaskFailureError(Exception):
    """A task failed for a reason that is not its user's to mend; the message names the task."""
