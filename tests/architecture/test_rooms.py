"""In a question only the steps meet runs and adapters, and only steps, commands and components meet the steps."""

import ast
from collections.abc import Iterator
from pathlib import Path

import overread

PLATFORM = ("overread.adapters", "overread.runs", "kfp", "mlflow", "dvc", "boto3", "prometheus_client")
ROOT = Path(overread.__file__).parent


def find_trespasses(questions: Path) -> list[str]:
    """Imports of the platform, or of steps, by a module of a question that is no step."""
    found = []
    for path in sorted(questions.rglob("*.py")):
        question, *rooms = path.relative_to(questions).parts
        if rooms[:1] == ["steps"]:
            continue
        closed = (*PLATFORM, f"overread.questions.{question.removesuffix('.py')}.steps")
        names = [name for name in list_imports(path) if name.startswith(tuple(f"{room}." for room in closed))]
        found += [f"{path.relative_to(questions)}: {name}" for name in names]
    return found


def list_imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (f"{alias.name}." for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_only_steps_meet_the_platform():
    assert find_trespasses(ROOT / "questions") == []


def test_a_trespass_is_found(tmp_path):
    for name, text in {
        "relabel/evaluation.py": "def f():\n    from overread.adapters.storage import open_store",
        "relabel/page/report.py": "import mlflow",
        "relabel/plan.py": "from overread.questions.relabel.steps import plan",
        "relabel/steps/plan.py": "import mlflow",
        "relabel/results.py": "import numpy, overread.records",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert [line.split(":")[0] for line in find_trespasses(tmp_path)] == [
        "relabel/evaluation.py",
        "relabel/page/report.py",
        "relabel/plan.py",
    ]
