"""In a question only the steps meet runs and adapters; no two folders of the library import each other."""

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


def find_mutual_folders(root: Path) -> list[str]:
    """Pairs of folders whose modules import each other; a folder and its own subfolder may."""
    edges = {
        (name_folder(path.parent, root), target) for path in root.rglob("*.py") for target in find_folders(path, root)
    }
    pairs = {tuple(sorted(edge)) for edge in edges if edge[::-1] in edges and edge[0] != edge[1]}
    return [f"{one} and {other}" for one, other in sorted(pairs) if not other.startswith(f"{one}/")]


def find_folders(path: Path, root: Path) -> Iterator[str]:
    """The folders of the package that a module imports from."""
    for name in list_imports(path):
        parts = name.rstrip(".").split(".")[1:]
        if name.startswith("overread.") and parts:
            candidates = [root.joinpath(*parts[:end]) for end in range(len(parts), 0, -1)]
            found = next((place for place in candidates if place.is_dir() or place.with_suffix(".py").is_file()), root)
            yield name_folder(found if found.is_dir() else found.parent, root)


def name_folder(folder: Path, root: Path) -> str:
    return folder.relative_to(root).as_posix()


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


def test_no_two_folders_import_each_other():
    assert find_mutual_folders(ROOT) == []


def test_folders_that_import_each_other_are_found(tmp_path):
    for name, text in {
        "study/__init__.py": "",
        "study/study.py": "from overread.labels.votes import count",
        "labels/votes.py": "def f():\n    from overread.study import study",
        "labels/modes/choppy.py": "from overread.labels.votes import count",
        "labels/modes/register.py": "import overread.labels.modes.choppy",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "labels" / "votes.py").write_text("import overread.labels.modes.register\nimport overread.study.study")
    assert find_mutual_folders(tmp_path) == ["labels and study"]
