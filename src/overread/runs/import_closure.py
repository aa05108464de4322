"""Which modules of Overread stand behind a result: what a module imports, and what those import, read from the code.

The adapters are left out, for they move bytes and change none, and so are the page kit and the pages of questions where
no page is made. `if TYPE_CHECKING:` imports what never runs.
"""

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import overread

ROOT = Path(overread.__file__).parent
"""Folder of the package whose code is read."""
_PLATFORM, _COMMANDS = "adapters", "cli"
_QUOTED_NAME = re.compile(r"""["']([\w.-]+)["']""")


@dataclass(frozen=True)
class Closure:
    """The code behind a result.

    Attributes:
        files: modules, and the templates that they name, by their paths in the package.
        libraries: names of the other packages that the modules import, `torch` for example.
    """

    files: tuple[Path, ...]
    libraries: frozenset[str]


@dataclass(frozen=True)
class _Module:
    overread: frozenset[str]
    libraries: frozenset[str]
    texts: frozenset[str]


@cache
def find_closure(module: str, *, root: Path, with_presentation: bool = False) -> Closure:
    """Follow the imports of a module, those inside of functions too, over all of Overread.

    Args:
        module: full name, for example `overread.training.job`.
        root: folder of the package.
        with_presentation: follow imports of the page kit and of pages as well.

    Raises:
        ModuleNotFoundError: the package has no such module.
    """
    if _locate(module, root) is None:
        raise ModuleNotFoundError(f"{root} has no module {module}")
    found: dict[Path, _Module] = {}
    todo = [module]
    while todo:
        name = todo.pop()
        path = _locate(name, root)
        if path is None or path in found or name.split(".")[1] == _PLATFORM:
            continue
        if _is_presentation(path.relative_to(root)) and not with_presentation:
            continue
        found[path] = _parse_module(path.read_bytes())
        todo += [*_list_packages(name), *found[path].overread]
    templates = _find_templates({text for read in found.values() for text in read.texts}, root)
    libraries = frozenset().union(*(read.libraries for read in found.values()))
    return Closure(tuple(sorted(path.relative_to(root) for path in {*found, *templates})), libraries)


def list_computing_modules(root: Path) -> tuple[Path, ...]:
    """All modules that a result may depend on, by their paths in the package."""
    left_out = (_PLATFORM, _COMMANDS, "__init__.py")
    paths = (path.relative_to(root) for path in root.rglob("*.py"))
    return tuple(sorted(path for path in paths if path.parts[0] not in left_out and not _is_presentation(path)))


def _is_presentation(path: Path) -> bool:
    """Whether a module, given by its path in the package, belongs to the page kit or to the page of a question."""
    return path.parts[0] == "report" or (path.parts[0] == "questions" and path.parts[2:3] == ("page",))


def _locate(name: str, root: Path) -> Path | None:
    """File of a module; None for the package itself, which holds its version only, and for what is no module."""
    inside = root.joinpath(*name.split(".")[1:])
    candidates = (inside.with_suffix(".py"), inside / "__init__.py") if inside != root else ()
    return next((path for path in candidates if path.is_file()), None)


def _list_packages(name: str) -> list[str]:
    """The packages that a module lies in, the outermost left out: importing the module runs them too."""
    parts = name.split(".")
    return [".".join(parts[:end]) for end in range(2, len(parts))]


@cache
def _parse_module(source: bytes) -> _Module:
    nodes = list(_iterate_running_nodes(ast.parse(source)))
    imported = {name for node in nodes for name in _list_imports(node)}
    own = {name for name in imported if name.split(".")[0] == "overread"}
    texts = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return _Module(frozenset(own), frozenset(name.split(".")[0] for name in imported - own), frozenset(texts))


def _iterate_running_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """All nodes below one, without the bodies that only a type checker reads."""
    yield node
    children: Iterable[ast.AST] = ast.iter_child_nodes(node)
    if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
        children = node.orelse
    for child in children:
        yield from _iterate_running_nodes(child)


def _list_imports(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        # What is imported from a package may be one of its modules.
        return [str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)]
    return []


def _find_templates(names: set[str], root: Path) -> set[Path]:
    """The templates and style sheets of those names, and those that they include in turn."""
    shelf = {path.name: path for path in _list_templates(root)}
    found: set[Path] = set()
    todo = names & shelf.keys()
    while todo:
        path = shelf[todo.pop()]
        if path not in found:
            found.add(path)
            todo |= set(_QUOTED_NAME.findall(path.read_text(encoding="utf-8"))) & shelf.keys()
    return found


@cache
def _list_templates(root: Path) -> tuple[Path, ...]:
    return tuple(path for path in root.rglob("*") if path.suffix in (".j2", ".css"))
