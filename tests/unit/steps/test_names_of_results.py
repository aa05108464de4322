"""What an edit of the code renames, on a copy of the package with one module edited at a time.

The kinds of results, and the module that makes each, are read from the calls of `name_result` in the steps themselves.
"""

import ast
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module, metadata
from pathlib import Path

import pytest

from overread.inference.settings import UncertaintySettings
from overread.labels.variant_record import LabelVariant
from overread.questions.label_noise.results import LabelNoiseEvaluation
from overread.questions.label_noise.steps.plan_noise_trainings import NoisePlanSettings, plan_noise_trainings
from overread.questions.relabel.results import NoisyLabels
from overread.questions.relabel.steps.make_relabelled_sources import Repair
from overread.runs import fingerprint, import_closure
from overread.runs.fingerprint import name_choice, name_result, name_run
from overread.runs.import_closure import ROOT, find_closure
from overread.runs.label_variants import LabelVariants, describe_control
from overread.runs.plan import name_best_threshold, name_predictions
from overread.runs.threshold_record import BestThresholds, locate_best_thresholds
from overread.training.result import TrainingResult
from overread.training.settings import Relabelling
from tests.studies import make_preset, write_squares

TRAININGS = {"training", "classification", "probe"}
EVALUATIONS = {"evaluation", "mixing", "noise-evaluation", "relabel-evaluation", "crowd-disagreement"}
PAGES = {
    f"page of {step}"
    for step in (
        "write_disagreement_report",
        "write_noise_report",
        "write_probe_report",
        "write_relabel_report",
        "write_report",
        "write_retraining_report",
    )
}
LABELS = {"variant", "relabelled-source"}
PREDICTIONS = {"prediction", "best-thresholds"}
KINDS = TRAININGS | EVALUATIONS | PAGES | LABELS | PREDICTIONS
RUN = {"pipeline-run", *PAGES}
"""A pipeline run is named by all code that computes, and its page is named by the run."""


def find_makers() -> dict[str, tuple[str, bool]]:
    """The module that makes each kind of result, and whether that is a page; read from the steps."""
    makers: dict[str, tuple[str, bool]] = {}
    for path in sorted([*ROOT.glob("runs/*.py"), *ROOT.glob("questions/*/steps/*.py")]):
        for call in (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)):
            called = ast.unparse(call.func)
            given = {keyword.arg: keyword.value for keyword in call.keywords}
            if called == "publish_report":
                makers[f"page of {path.stem}"] = (_evaluate(given["drawn_by"], path), True)
            elif called == "name_result" and "is_page" not in given:
                makers[ast.literal_eval(call.args[0])] = (_evaluate(given["made_by"], path), False)
    return makers


def _evaluate(expression: ast.expr, path: Path) -> str:
    module = import_module(".".join(["overread", *path.relative_to(ROOT).with_suffix("").parts]))
    names = {"made_by": getattr(getattr(module, "make_relabelled_source", None), "__module__", None)}
    return str(eval(ast.unparse(expression), vars(module) | names))


MAKERS = find_makers()


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the package, whose code names results from here on."""
    copy = tmp_path / "copy" / "overread"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(import_closure, "ROOT", copy)
    return copy


@pytest.fixture(autouse=True)
def _no_memory() -> Iterator[None]:
    forget()
    yield
    forget()


def forget() -> None:
    """Forget what was read of the package: the code of a process does not change, but here it does."""
    for remembering in (find_closure, fingerprint._digest_code, fingerprint._read_version):
        remembering.cache_clear()


def name_all() -> dict[str, str]:
    forget()
    run = name_run({})
    names = {
        kind: name_result(kind, made_by=by, parts={"run": run} if is_page else {}, is_page=is_page)
        for kind, (by, is_page) in MAKERS.items()
    }
    return names | {"pipeline-run": run, "source": name_choice("relabel", {}), "recipe": name_choice("recipe", {})}


def find_renamed(before: dict[str, str]) -> set[str]:
    after = name_all()
    return {kind for kind in before if before[kind] != after[kind]}


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{old!r} is not in {path.name}"
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_every_kind_of_result_is_known_here():
    assert set(MAKERS) == KINDS


@pytest.mark.parametrize(
    ("module", "old", "new", "renamed"),
    [
        pytest.param(
            "evaluation/overlap.py",
            "float(2 * np",
            "float(1 * np",
            {"training", *EVALUATIONS, *LABELS, *RUN},
            id="the Dice",
        ),
        pytest.param(
            "networks/hardware.py",
            "torch.bfloat16",
            "torch.float16",
            {*PREDICTIONS, *TRAININGS, *RUN},
            id="the autocast",
        ),
        pytest.param(
            "inference/best_threshold.py", "2 * hit", "hit", {"best-thresholds", *RUN}, id="the choice of a threshold"
        ),
        pytest.param(
            "questions/label_noise/steps/evaluate_noise.py",
            "compute_dice(true, predicted)",
            "compute_dice(true, predicted) / 2",
            {"noise-evaluation", *RUN},
            id="the table of label-noise",
        ),
        pytest.param(
            "questions/relabel/steps/comparison.py",
            "before = ",
            "before = 0.0 * ",
            {"relabel-evaluation", *RUN},
            id="the tables of relabel",
        ),
        pytest.param(
            "questions/label_noise/page/wording.py", "def ", "def  ", {"page of write_noise_report"}, id="a sentence"
        ),
        pytest.param("report/templates/base.html.j2", "<body>", "<body >", PAGES, id="the template of all pages"),
        pytest.param(
            "questions/relabel/page/relabel.html.j2",
            "<h2",
            "<h2 ",
            {"page of write_relabel_report"},
            id="a page's template",
        ),
        pytest.param("study/exporting/nnunet.py", "def ", "def  ", RUN, id="an export"),
        pytest.param(
            "training/presets/demo.yaml", "epochs:", "epochs: 1 #", set(), id="a preset, which counts by value"
        ),
        pytest.param("runs/training_run.py", "def ", "def  ", RUN, id="what MLflow is told of a training"),
        pytest.param("runs/tracked_training.py", "def ", "def  ", RUN, id="the lease of a training"),
        pytest.param("adapters/storage.py", "def ", "def  ", set(), id="the result store"),
        pytest.param("cli/study.py", "def ", "def  ", set(), id="a command"),
        pytest.param("__init__.py", "__version__ =", "__version__  =", set(), id="the version"),
    ],
)
def test_an_edit_renames_what_the_module_computes_and_nothing_else(package, module, old, new, renamed):
    before = name_all()
    edit(package / module, old, new)
    assert find_renamed(before) == renamed


@pytest.mark.parametrize(
    ("library", "renamed"),
    [
        ("torch", {*PREDICTIONS, *TRAININGS, *RUN}),
        ("scikit-learn", {"crowd-disagreement", *RUN}),
        ("pandas", set()),
    ],
)
def test_another_version_of_a_library_renames_what_it_computes(library, renamed, monkeypatch):
    before, read = name_all(), metadata.version
    monkeypatch.setattr(metadata, "version", lambda name: "99.0" if name == library else read(name))
    assert find_renamed(before) == renamed


def test_builds_of_the_same_version_share_their_results(monkeypatch):
    monkeypatch.setattr(metadata, "version", lambda _: "2.13.0+cpu")
    before = name_all()
    monkeypatch.setattr(metadata, "version", lambda _: "2.13.0")
    assert find_renamed(before) == set()


def test_a_closure_holds_what_runs_and_no_more(tmp_path):
    root = tmp_path / "overread"
    for name, text in {
        "__init__.py": "",
        "runs/__init__.py": "",
        "runs/a.py": "from overread.labels import mode\ndef f():\n    import overread.runs.late, numpy",
        "runs/late.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import overread.runs.unused, torch",
        "runs/unused.py": "",
        "labels/__init__.py": "from overread.labels.first import x",
        "labels/first.py": "import overread.adapters.store",
        "labels/mode.py": "import overread.report.page, overread.questions.q.page.wording",
        "labels/other.py": "",
        "adapters/store.py": "",
        "questions/q/page/wording.py": "",
        "report/page.py": "NAME = 'page.html.j2'",
        "report/templates/page.html.j2": "{% extends 'base.html.j2' %}",
        "report/templates/base.html.j2": "",
        "report/templates/other.html.j2": "",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    found = find_closure("overread.runs.a", root=root)
    modules = ["labels/__init__.py", "labels/first.py", "labels/mode.py"]
    runs = ["runs/__init__.py", "runs/a.py", "runs/late.py"]
    assert [path.as_posix() for path in found.files] == [*modules, *runs]
    assert {"numpy", "torch"} & found.libraries == {"numpy"}
    drawn = find_closure("overread.runs.a", root=root, with_presentation=True)
    page = [
        "questions/q/page/wording.py",
        "report/page.py",
        "report/templates/base.html.j2",
        "report/templates/page.html.j2",
    ]
    assert [path.as_posix() for path in drawn.files] == [*modules, *page, *runs]


def test_a_module_that_does_not_exist_is_refused():
    with pytest.raises(ModuleNotFoundError, match=r"no module overread\.runs\.nothing"):
        name_result("nothing", made_by="overread.runs.nothing", parts={})


def test_a_relabelled_source_keeps_its_name_when_code_changes_though_it_is_made_anew(package, tmp_path):
    write_training(tmp_path / "network")
    repair = Repair(
        NoisyLabels(name="as given", source="ann"),
        Relabelling(
            uncertainty=UncertaintySettings(),
            members=1,
            after="uncertainty",
            rule="contradicted",
        ),
        {"job": tmp_path / "network"},
    )
    name, key = repair.name, repair.key
    edit(package / "labels" / "relabelling.py", "def ", "def  ")
    forget()
    assert repair.name == name
    assert repair.key != key


def write_training(folder: Path) -> None:
    study = write_squares(folder.parent / "study")
    perturbed = LabelVariant(name="natural-0.90", mode="natural", target_dice=0.9, achieved_dice=0.9)
    variants = LabelVariants(source="ann", redraw="never", variants=(describe_control("d"), perturbed))
    make_preset(2).write_yaml(folder.parent / "tiny.yaml")
    settings = NoisePlanSettings(networks=("unet",), preset=str(folder.parent / "tiny.yaml"), folds=2, repeats=1)
    plan = plan_noise_trainings(study, variants, settings, revision="abc")
    plan.write(folder.parent / "plan.json")
    variants.write(folder.parent / "variants.json")
    folder.mkdir()
    TrainingResult(
        job=plan.jobs[0],
        fingerprint="f",
        epochs=1,
        kept_epoch=1,
        kept_validation_dice=0.5,
        parameter_count=1,
        duration_seconds=1.0,
        voxels_per_second=1.0,
        device="cpu",
    ).write(folder)
    predictions = folder.parent / "predictions"
    BestThresholds(threshold_of={job.name: 0.5 for job in plan.jobs}).write(locate_best_thresholds(predictions))
    for job in plan.jobs:
        for name in (name_predictions(job), name_best_threshold(name_predictions(job))):
            (predictions / name).mkdir(parents=True, exist_ok=True)
            for case_id in job.test_cases:
                shutil.copyfile(study.labels("ben").path(case_id), predictions / name / f"{case_id}.png")


EVALUATE = """
import sys
from pathlib import Path
from overread.questions.label_noise.steps import evaluate_noise
home = Path(sys.argv[1])
files = [home / name for name in ("study", "plan.json", "variants.json", "predictions")]
evaluate_noise.run(*files, [], output=home / "evaluation", store=str(home / "store"))
"""


def evaluate(home: Path, package: Path) -> LabelNoiseEvaluation:
    shutil.rmtree(home / "evaluation", ignore_errors=True)
    environment = os.environ | {"PYTHONPATH": str(package.parent)}
    subprocess.run([sys.executable, "-c", EVALUATE, home], check=True, env=environment)
    return LabelNoiseEvaluation(**json.loads((home / "evaluation" / "evaluation.json").read_text()))


def test_an_evaluation_in_the_store_is_not_taken_for_that_of_other_code(package, tmp_path):
    write_training(tmp_path / "network")
    before = evaluate(tmp_path, package)
    edit(
        package / "questions" / "label_noise" / "steps" / "evaluate_noise.py",
        "compute_dice(true, predicted)",
        "compute_dice(true, predicted) / 2",
    )
    after = evaluate(tmp_path, package)
    whole, halved = (found.find_cell("unet", "control").mean.estimate for found in (before, after))
    assert halved == pytest.approx(whole / 2)
