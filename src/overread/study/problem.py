"""One problem of a study as a message."""

from overread.errors import InputError, StudyError


def describe_problem(rule: str, *, found: object = None, where: str = "", hint: str = "") -> str:
    """Say what must hold, what was found, where, and what to do, worded as `InputError` words it."""
    return str(InputError(rule, found=found, where=where, hint=hint))


def make_study_error(rule: str, *, found: object = None, where: str = "", hint: str = "") -> StudyError:
    """A StudyError of one problem, for what must hold before anything else can be looked at."""
    return StudyError([describe_problem(rule, found=found, where=where, hint=hint)])
