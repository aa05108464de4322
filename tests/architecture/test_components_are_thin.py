"""A component only turns paths into the call of a step."""

import ast
from pathlib import Path

import pytest

COMPONENTS = sorted(
    path for path in (Path(__file__).parents[2] / "components").glob("*.py") if path.stem not in ("__init__", "image")
)
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
