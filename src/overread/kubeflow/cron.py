"""When a recurring run starts, as people write it and as Kubeflow keeps it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import kfp_server_api as api

from overread.errors import SettingsError


@dataclass(frozen=True)
class _Field:
    """One place of a cron expression; `names` stand for numbers, beginning with the smallest one."""

    title: str
    smallest: int
    largest: int
    names: tuple[str, ...] = ()

    @property
    def last(self) -> int:
        """Last value of `*`: the largest one, but that a week has no second Sunday."""
        return self.smallest + len(self.names) - 1 if self.names else self.largest


_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_FIELDS = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of the month", 1, 31),
    _Field("month", 1, 12, _MONTHS),
    _Field("day of the week", 0, 7, _WEEKDAYS),
)
_TITLES = ", ".join(field.title for field in _FIELDS)
_ITEM = re.compile(r"(?:\*|(?P<first>[0-9A-Z]+)(?:-(?P<last>[0-9A-Z]+))?)(?:/(?P<step>[0-9]+))?")
_SHORT_MONTHS = {2: 29, 4: 30, 6: 30, 9: 30, 11: 30}
_DAYS_PER_WEEK = 7
_SUNDAY = 7


def parse_cron(text: str) -> str:
    """Check a cron expression of five fields.

    Args:
        text: minute, hour, day of the month, month, day of the week: numbers, names (MON, JAN), `*`, lists, ranges and
            steps.

    Returns:
        The same with single spaces, names in capitals and, where 7 stands for Sunday, the list of its days from 0 to 6,
        for Kubeflow knows Sunday as 0 only.

    Raises:
        SettingsError: naming the field that breaks a rule; or no day is ever as it says.
    """
    parts = text.upper().split()
    if len(parts) != len(_FIELDS):
        raise SettingsError(
            f"--cron must have 5 fields ({_TITLES})",
            found=f"{len(parts)}: {text!r}",
            hint='write "0 3 * * *" for 3:00 every day; Kubeflow\'s own form has 6, leave out its seconds',
        )
    values = [_list_values(part, field, text) for part, field in zip(parts, _FIELDS, strict=True)]
    _check_day_exists(parts, values, text)
    if _SUNDAY in values[-1]:
        parts[-1] = ",".join(str(day) for day in sorted({day % _DAYS_PER_WEEK for day in values[-1]}))
    return " ".join(parts)


def to_kubeflow(cron: str) -> str:
    """Kubeflow's form of a cron expression of five fields: at second 0."""
    return f"0 {cron}"


def from_kubeflow(cron: str) -> str:
    """The form of five fields, or Kubeflow's own of six where the second is not 0, or `@daily` and its like.

    Five fields are one without the day of the week to Kubeflow, and so never what five fields are to a user.
    """
    parts = cron.upper().replace("?", "*").split()
    if len(parts) == len(_FIELDS):
        parts.append("*")
    if len(parts) != len(_FIELDS) + 1:
        return cron
    return " ".join(parts[1:] if parts[0] == "0" else parts)


def _list_values(part: str, field: _Field, cron: str) -> Sequence[int]:
    return [value for item in part.split(",") for value in _list_item(item, field, cron)]


def _list_item(item: str, field: _Field, cron: str) -> range:
    match = _ITEM.fullmatch(item)
    if match is None:
        raise _refuse(field, "be *, a, a-b, or one of these with a step as in */n", item, cron)
    first, last, step = match["first"], match["last"], match["step"]
    if step is not None and int(step) == 0:
        raise _refuse(field, "have a step of 1 or more", item, cron)
    if first is None:
        start, end = field.smallest, field.last
    else:
        start = _read_value(first, field, cron)
        end = _read_value(last, field, cron) if last else max(start, field.last) if step else start
    if start > end:
        raise _refuse(field, "not end a range before its beginning", item, cron)
    return range(start, end + 1, int(step or 1))


def _read_value(text: str, field: _Field, cron: str) -> int:
    if text in field.names:
        return field.smallest + field.names.index(text)
    value = int(text) if text.isdecimal() else -1
    if not field.smallest <= value <= field.largest:
        names = f" or {field.names[0]} to {field.names[-1]}" if field.names else ""
        raise _refuse(field, f"be {field.smallest} to {field.largest}{names}", text, cron)
    return value


def _check_day_exists(parts: Sequence[str], values: Sequence[Sequence[int]], cron: str) -> None:
    """Kubeflow accepts a date that never comes, and its scheduler then takes the run for one that is due."""
    _, _, days, months, _ = values
    every_weekday = any(item.startswith("*") for item in parts[4].split(","))
    if every_weekday and not any(day <= _SHORT_MONTHS.get(month, 31) for day in days for month in months):
        raise _refuse(_FIELDS[2], "be a day that one of the months has", parts[2], cron)


def _refuse(field: _Field, rule: str, item: str, cron: str) -> SettingsError:
    number = _FIELDS.index(field) + 1
    return SettingsError(
        f"the {field.title} of --cron must {rule}",
        found=repr(item),
        where=f"--cron {cron!r}",
        hint=f"it is field {number} of {_TITLES}",
    )


@dataclass(frozen=True)
class Schedule:
    """What runs, with which values, and when.

    Attributes:
        pipeline_id: ID of the pipeline; empty for a recurring run that holds a package of its own.
        version_id: ID of the pipeline's version; empty for the newest one at the time of each run.
        experiment_id: ID of the experiment that the runs belong to.
        parameters: values that differ from their defaults.
        timing: cron expression of five fields; for others' recurring runs also Kubeflow's own form, or words.
        max_concurrency: most runs at a time.
        catches_up: whether runs that were missed are made up for, all of them.
    """

    pipeline_id: str
    version_id: str
    experiment_id: str
    parameters: Mapping[str, Any]
    timing: str
    max_concurrency: int = 1
    catches_up: bool = False


@dataclass(frozen=True)
class RecurringRun:
    """A recurring run on the server.

    Attributes:
        recurring_run_id: its ID.
        name: its name, which others may have too.
        enabled: whether it starts runs.
        created_at: when it was made.
        schedule: what it runs.
    """

    recurring_run_id: str
    name: str
    enabled: bool
    created_at: datetime
    schedule: Schedule


def read_recurring_run(found: api.V2beta1RecurringRun) -> RecurringRun:
    """Read a recurring run as the server describes it."""
    version = found.pipeline_version_reference or api.V2beta1PipelineVersionReference()
    schedule = Schedule(
        pipeline_id=version.pipeline_id or "",
        version_id=version.pipeline_version_id or "",
        experiment_id=found.experiment_id or "",
        parameters=(found.runtime_config and found.runtime_config.parameters) or {},
        timing=_describe_trigger(found.trigger or api.V2beta1Trigger()),
        max_concurrency=int(found.max_concurrency or 0),
        catches_up=not found.no_catchup,
    )
    return RecurringRun(
        str(found.recurring_run_id), str(found.display_name), found.status == "ENABLED", found.created_at, schedule
    )


def write_recurring_run(name: str, schedule: Schedule, *, enabled: bool) -> api.V2beta1RecurringRun:
    """A recurring run as the server takes it."""
    return api.V2beta1RecurringRun(
        display_name=name,
        experiment_id=schedule.experiment_id,
        pipeline_version_reference=api.V2beta1PipelineVersionReference(
            pipeline_id=schedule.pipeline_id, pipeline_version_id=schedule.version_id
        ),
        runtime_config=api.V2beta1RuntimeConfig(parameters=dict(schedule.parameters)),
        trigger=api.V2beta1Trigger(cron_schedule=api.V2beta1CronSchedule(cron=to_kubeflow(schedule.timing))),
        max_concurrency=str(schedule.max_concurrency),
        no_catchup=not schedule.catches_up,
        mode="ENABLE" if enabled else "DISABLE",
    )


def _describe_trigger(trigger: api.V2beta1Trigger) -> str:
    """The cron expression alone where there is nothing else, so that two of the same text are the same."""
    if trigger.cron_schedule is not None:
        limits, text = trigger.cron_schedule, from_kubeflow(trigger.cron_schedule.cron or "")
    elif trigger.periodic_schedule is not None:
        limits, text = trigger.periodic_schedule, f"every {trigger.periodic_schedule.interval_second} s"
    else:
        return "once"
    start = f" from {limits.start_time:%Y-%m-%d %H:%M}" if limits.start_time else ""
    end = f" to {limits.end_time:%Y-%m-%d %H:%M}" if limits.end_time else ""
    return text + start + end
