"""The base of all that is found, decided or written down as JSON."""

from pydantic import ConfigDict

from overread.settings import Settings


class Result(Settings):
    """Something found; infinite and absent numbers survive being written as JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")
