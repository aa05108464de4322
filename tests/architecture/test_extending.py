"""`docs/extending.md` names every file that an example of each kind is mentioned in, and these are few."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from overread.evaluation.case_metrics import CaseMetrics
from overread.evaluation.results import COMPARISON_COLUMNS, METRICS
from overread.labels.perturb.register import MODES, REDUCED
from overread.labels.perturbation import apply_perturbation, sample_perturbation
from overread.labels.settings import PerturbationSettings
from overread.networks.build import build_network
from overread.networks.settings import Architecture, NetworkSettings
from overread.study.importing import study_import
from overread.study.importing.settings import Layout
from overread.training.losses import select_loss
from overread.training.settings import LossName

ROOT = Path(__file__).parents[2]
CODE = ("src/overread", "components", "pipelines")
MOST_FILES = {"metric": 3, "network": 5, "loss": 2, "perturbation": 5, "importer": 3}
_RECIPE = re.compile(r"^## An? (\w+)\n\nExample: `([\w-]+)`", re.MULTILINE)
_ROW = re.compile(r"^\| `([^`]+)` \|", re.MULTILINE)


def read_recipes() -> dict[str, tuple[str, list[str]]]:
    """Example and files of each recipe; a folder ends in a slash."""
    text = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
    sections = [section for section in re.split(r"^(?=## )", text, flags=re.MULTILINE) if section.startswith("## ")]
    found = [(_RECIPE.match(section), _ROW.findall(section)) for section in sections]
    return {match[1]: (match[2], files) for match, files in found if match}


RECIPES = read_recipes()
COUNTED = {kind: recipe for kind, recipe in RECIPES.items() if kind != "question"}


def list_words(tree: ast.Module) -> Iterator[str]:
    """All names and texts of a module but its docstrings."""
    docstrings = {
        id(statement.value)
        for node in ast.walk(tree)
        for statement in (getattr(node, "body", None) if isinstance(getattr(node, "body", None), list) else [])
        if isinstance(statement, ast.Expr)
    }
    for node in ast.walk(tree):
        if id(node) not in docstrings:
            yield from (value for _, value in ast.iter_fields(node) if isinstance(value, str))


def find_mentions(root: Path, example: str) -> list[str]:
    """Modules that name an example, as a word or as a part of a name."""
    pattern = re.compile(rf"(?<![a-z0-9]){example}(?![a-z0-9])", re.IGNORECASE)
    paths = [path for folder in CODE for path in sorted((root / folder).rglob("*.py"))]
    return [
        path.relative_to(root).as_posix()
        for path in paths
        if any(map(pattern.search, list_words(ast.parse(path.read_text(encoding="utf-8")))))
    ]


def belongs(path: str, listed: str) -> bool:
    return path.startswith(listed) if listed.endswith("/") else path == listed


def test_there_is_a_recipe_for_each_kind_of_thing():
    assert set(RECIPES) == {*MOST_FILES, "question"}


@pytest.mark.parametrize("kind", COUNTED)
def test_an_example_is_mentioned_where_its_recipe_says_and_nowhere_else(kind):
    example, files = COUNTED[kind]
    mentions = find_mentions(ROOT, example)
    assert [path for path in mentions if not any(belongs(path, listed) for listed in files)] == []
    assert [listed for listed in files if not any(belongs(path, listed) for path in mentions)] == []
    assert len(files) <= MOST_FILES[kind]


def test_the_files_of_the_question_are_those_of_the_one_in_the_tests():
    _, files = RECIPES["question"]
    own = [path for path in files if "catalogue" not in path]
    assert [path for path in own if not (ROOT / "tests" / "seventh_question" / path).exists()] == []
    assert [path for path in files if path not in own] == ["src/overread/kubeflow/catalogue.py"]


def test_a_mention_is_found_in_names_and_texts_but_not_in_docstrings_and_longer_words(tmp_path):
    for name, text in {
        "text.py": 'NAMES = "unet,fcn32"',
        "name.py": "def build_fcn32(): ...",
        "imported.py": "from networks import FCN32",
        "docstring.py": '"""fcn32."""\ndef f():\n    """As fcn32."""',
        "longer.py": "fcn320 = 'xfcn32'",
    }.items():
        (tmp_path / "components").mkdir(exist_ok=True)
        (tmp_path / "components" / name).write_text(text)
    assert find_mentions(tmp_path, "fcn32") == [f"components/{name}.py" for name in ("imported", "name", "text")]


def test_every_metric_that_is_computed_is_registered_and_the_other_way_round():
    assert set(METRICS) == set(CaseMetrics.__dataclass_fields__)
    assert set(METRICS) < set(COMPARISON_COLUMNS)


@pytest.mark.parametrize("architecture", get_args(Architecture))
def test_every_registered_network_can_be_built(architecture):
    settings = NetworkSettings(architecture=architecture, channels=(2, 2, 2, 2, 2))
    assert build_network(settings, dimensions=2, channel_count=1) is not None


@pytest.mark.parametrize("name", get_args(LossName))
def test_every_registered_loss_can_be_chosen(name):
    assert callable(select_loss(name, measure_foreground=lambda: 0.5))


@pytest.mark.parametrize("mode", MODES)
def test_every_registered_perturbation_can_be_drawn_and_applied(mode):
    settings = PerturbationSettings(mode=mode, **({"vertices": 5} if mode in REDUCED else {"strength": 0.1}))
    mask = np.pad(np.ones((12, 12), np.bool_), 8)
    record = sample_perturbation(settings, np.random.default_rng(0))
    assert apply_perturbation(mask, record, (1.0, 1.0)).shape == mask.shape


def test_every_registered_layout_has_a_planner_of_its_own():
    planners = [study_import._choose_planner(layout) for layout in get_args(Layout)]
    assert len(set(planners)) == len(get_args(Layout))
