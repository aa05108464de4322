"""The kinds of demo studies, each with the options that it takes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from overread.errors import SettingsError
from overread.study.demo.cohort import DemoSettings
from overread.study.demo.demo import write_demo_study
from overread.study.demo.planar import ORGAN, SKIN, PlanarSettings, write_planar_study
from overread.study.demo.planar.look import Look

_WHERE = "overread study demo"


@dataclass(frozen=True)
class DemoKind:
    """One kind of demo study.

    Attributes:
        name: what the user calls it.
        fields: for each option of the command line, the setting that it gives.
        write: writes the study into a new folder, with these settings and defaults for the others.
    """

    name: str
    fields: Mapping[str, str]
    write: Callable[[Path, Mapping[str, object]], None]


def _write_lesions(root: Path, values: Mapping[str, object]) -> None:
    write_demo_study(root, settings=DemoSettings.parse(dict(values), where=_WHERE))


def _build_planar_kind(look: Look) -> DemoKind:
    def write(root: Path, values: Mapping[str, object]) -> None:
        write_planar_study(root, look, settings=PlanarSettings.parse(dict(values), where=_WHERE))

    return DemoKind(look.name, {field.replace("_", "-"): field for field in PlanarSettings.model_fields}, write)


KINDS: dict[str, DemoKind] = {
    kind.name: kind
    for kind in (
        DemoKind("lesions", {"seed": "seed", "cases": "case_count"}, _write_lesions),
        _build_planar_kind(SKIN),
        _build_planar_kind(ORGAN),
    )
}


def write_demo_of_kind(root: Path, kind: str, options: Mapping[str, object]) -> None:
    """Write a demo study.

    Args:
        root: folder to create.
        kind: a name of `KINDS`.
        options: options of the command line that were given, by name without dashes in front.

    Raises:
        SettingsError: the kind is unknown, or an option is not one of the kind or breaks a rule.
        InputError: `root` holds something already.
        StorageError: the disk is full or `root` may not be written.
    """
    if kind not in KINDS:
        raise SettingsError("kind must be one of the demo studies", found=repr(kind), hint=f"known: {', '.join(KINDS)}")
    fields = KINDS[kind].fields
    if foreign := [name for name in options if name not in fields]:
        raise SettingsError(
            f"a demo study of kind {kind} takes {_list_options(fields)} only",
            found=_list_options(foreign),
            hint="; ".join(f"--{name} is for {' and '.join(_list_takers(name))}" for name in foreign),
        )
    KINDS[kind].write(root, {fields[name]: value for name, value in options.items()})


def _list_takers(option: str) -> list[str]:
    return [kind.name for kind in KINDS.values() if option in kind.fields]


def _list_options(names: Mapping[str, str] | list[str]) -> str:
    return ", ".join(f"--{name}" for name in names)
