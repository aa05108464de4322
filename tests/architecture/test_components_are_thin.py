"""A component only turns paths into the call of a step, and lies in the room of the question that it serves."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMPONENTS = sorted(path for path in (ROOT / "components").glob("*/*.py") if path.stem != "__init__")
MOST_LINES = 15


def find_function(path: Path) -> ast.FunctionDef:
    (function,) = (node for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef))
    return function


@pytest.mark.parametrize("path", COMPONENTS, ids=lambda path: path.stem)
def test_the_body_is_short_apart_from_its_imports(path):
    docstring, *statements = find_function(path).body
    lines = sum(
        node.end_lineno - node.lineno + 1 for node in statements if not isinstance(node, ast.Import | ast.ImportFrom)
    )
    assert isinstance(docstring, ast.Expr)
    assert lines <= MOST_LINES


@pytest.mark.parametrize("path", COMPONENTS, ids=lambda path: path.stem)
def test_overread_is_imported_inside_the_body_only(path):
    outside = [node for node in ast.parse(path.read_text()).body if isinstance(node, ast.Import | ast.ImportFrom)]
    modules = {node.module for node in outside if isinstance(node, ast.ImportFrom)}
    # Several outputs need a NamedTuple in the signature.
    assert modules - {"typing"} == {"kfp", "components.image"}


@pytest.mark.parametrize("path", COMPONENTS, ids=lambda path: path.stem)
def test_the_function_has_the_name_of_its_file(path):
    assert find_function(path).name == path.stem


def find_misplaced(components: dict[str, str], graphs: dict[str, str]) -> list[str]:
    """Components whose room is not that of the one graph that uses them, or `shared` where several do.

    Args:
        components: room by name of a component.
        graphs: source by name of a graph.
    """
    found = []
    for name, room in components.items():
        users = [
            graph
            for graph, text in graphs.items()
            if re.search(rf"^from components\.\w+\.{name} import", text, re.MULTILINE)
        ]
        if room != (users[0] if len(users) == 1 else "shared" if users else None):
            found.append(f"{room}/{name}")
    return found


def test_a_component_of_one_question_lies_in_its_room_and_the_others_are_shared():
    graphs = {path.stem: path.read_text() for path in (ROOT / "pipelines").glob("*.py")}
    assert find_misplaced({path.stem: path.parent.name for path in COMPONENTS}, graphs) == []
    assert {path.stem for path in (ROOT / "components").glob("*.py")} == {"__init__", "image"}


def test_a_misplaced_component_is_found():
    graphs = {
        "relabel": "from components.relabel.train import train\nfrom components.shared.fetch import fetch",
        "retrain": "from components.relabel.train import train\nfrom components.shared.gate import gate",
    }
    rooms = {"train": "relabel", "fetch": "shared", "gate": "retrain", "unused": "shared"}
    assert find_misplaced(rooms, graphs) == ["relabel/train", "shared/fetch", "shared/unused"]
