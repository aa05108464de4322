"""The base of all that is found, decided or written down as JSON."""

from pathlib import Path
from typing import ClassVar, Self

from pydantic import ConfigDict

from overread.settings import Settings


class Result(Settings):
    """What a step finds, decides or plans; infinite and absent numbers survive being written as JSON.

    Attributes:
        INDENT: spaces by which its file indents each level.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")

    INDENT: ClassVar[int] = 1

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read what `write` wrote.

        Raises:
            pydantic.ValidationError: the file holds something else.
        """
        return cls.model_validate_json(path.read_text(encoding="utf-8"))

    def write(self, path: Path) -> None:
        """Write as JSON; folders that the file needs are made."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.model_dump_json(indent=self.INDENT), encoding="utf-8")
