"""The exceptions that Overread raises for its users.

OverreadError                 anything a user can mend; the command line prints it and exits with code 2
├── InputError                a value, a file or a study breaks a rule
│   ├── SettingsError         a setting, preset or pipeline parameter
│   └── StudyError            a study on disk, with every problem that was found
├── StorageError              a file or a bucket that cannot be read or written
├── VersioningError           git or DVC refused
├── TrackingError             MLflow refused or cannot be reached
└── TrainingError             a training that cannot go on (loss is not finite, checkpoint of another training)

TaskFailureError              a task of a pipeline failed for another reason; the command line exits with code 1
"""

from collections.abc import Sequence
from typing import Any


class OverreadError(Exception):
    """Base of all errors that a user can mend; its message crosses process borders unchanged."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Rebuild from the finished message, not by calling the constructor on it once more."""
        return _rebuild, (type(self), self.args), self.__dict__


class InputError(OverreadError):
    """A value breaks a rule.

    Args:
        rule: what must hold, starting with the name of the thing ("spacing_mm must hold 3 positive numbers").
        found: the value that breaks it.
        where: the case, file or setting in which it was found.
        hint: what the user can do about it.
    """

    def __init__(self, rule: str, *, found: object = None, where: str = "", hint: str = "") -> None:
        message = rule if found is None else f"{rule}, got {found}"
        if where:
            message += f"; {where}"
        message += "."
        if hint:
            message += f" Hint: {hint.rstrip('.')}."
        super().__init__(message)


class SettingsError(InputError):
    """A setting, a preset or a pipeline parameter breaks a rule."""


class StudyError(OverreadError):
    """A study on disk breaks one or more rules; `problems` holds one message for each."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        count = len(self.problems)
        heading = "" if count == 1 else f"{count} problems were found:\n- "
        super().__init__(heading + "\n- ".join(self.problems))


class StorageError(OverreadError):
    """A file or a bucket cannot be read or written."""


class VersioningError(OverreadError):
    """Git or DVC refused."""


class TrackingError(OverreadError):
    """MLflow refused or cannot be reached."""


class TrainingError(OverreadError):
    """A training cannot go on."""


class TaskFailureError(Exception):
    """A task failed for a reason that is not its user's to mend; the message names the task."""


def _rebuild(kind: type[OverreadError], arguments: tuple[Any, ...]) -> OverreadError:
    return kind.__new__(kind, *arguments)


def describe_problem(rule: str, *, found: object = None, where: str = "", hint: str = "") -> str:
    """Say what must hold, what was found, where, and what to do, worded as `InputError` words it."""
    return str(InputError(rule, found=found, where=where, hint=hint))


def make_study_error(rule: str, *, found: object = None, where: str = "", hint: str = "") -> StudyError:
    """A StudyError of one problem, for what must hold before anything else can be looked at."""
    return StudyError([describe_problem(rule, found=found, where=where, hint=hint)])
