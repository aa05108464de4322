"""The base of all settings: frozen, typed, unknown keys refused, errors that a user can read."""

from pathlib import Path
from typing import Any, Self

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from overread.errors import SettingsError


class Settings(BaseModel):
    """A frozen pydantic model that refuses unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def parse(cls, values: object, *, where: str) -> Self:
        """Check `values` and build the settings.

        Raises:
            SettingsError: naming every key that breaks a rule, and `where` it was read.
        """
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise SettingsError(_describe(error, cls), where=where) from error

    @classmethod
    def read_yaml(cls, path: Path) -> Self:
        """Read settings from a YAML file."""
        return cls.parse(read_yaml(path), where=str(path))

    def write_yaml(self, path: Path) -> None:
        """Write settings as YAML, keys in their declared order, defaults left out.

        A file that is there is replaced as a whole: neither a reader nor a copy that is linked to it sees a part.
        """
        values = self.model_dump(mode="json", exclude_defaults=True)
        partial = path.with_name(f".{path.name}.partial")
        partial.write_text(_to_yaml(values), encoding="utf-8")
        partial.replace(path)

    def to_yaml(self) -> str:
        """All settings as YAML, defaults included."""
        return _to_yaml(self.model_dump(mode="json"))


class DescribedSettings(Settings):
    """Settings that say in a sentence what they are for."""

    description: str


def read_yaml(path: Path) -> Any:
    """Read one YAML document.

    Raises:
        SettingsError: the file is missing, is not UTF-8 text or is not YAML.
    """
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise SettingsError("a settings file must exist", found=path) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError("a settings file must be YAML", where=f"{path}: {error}") from error


def split_list(text: str) -> tuple[str, ...]:
    """Split `a,b,c` into its parts; empty text has none."""
    return tuple(part for part in (item.strip() for item in text.split(",")) if part)


def _describe(error: ValidationError, model: type[BaseModel]) -> str:
    parts = []
    for problem in error.errors():
        key = ".".join(str(step) for step in problem["loc"]) or model.__name__
        if problem["type"] == "extra_forbidden":
            parts.append(f"{key} is not known (known: {', '.join(model.model_fields)})")
        elif problem["type"] == "missing":
            parts.append(f"{key} must be given")
        else:
            found = "" if isinstance(problem["input"], dict) else f", got {problem['input']!r}"
            parts.append(f"{key}: {problem['msg'].removeprefix('Value error, ')}{found}")
    return "; ".join(parts)


def _to_yaml(values: object) -> str:
    return yaml.safe_dump(values, sort_keys=False, allow_unicode=True)
