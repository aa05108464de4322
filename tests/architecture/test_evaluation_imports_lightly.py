"""The evaluation is science: it must run where no platform is installed."""

import pkgutil
import subprocess
import sys

import overread.evaluation

PLATFORM = ("kfp", "mlflow", "dvc", "boto3", "prometheus_client")
HEAVY = ("torch", "monai", "matplotlib")
MODULES = [module.name for module in pkgutil.walk_packages(overread.evaluation.__path__, "overread.evaluation.")]


def list_loaded(imports: list[str], watched: tuple[str, ...]) -> str:
    code = f"import sys, {', '.join(imports)}; print(*[name for name in {watched} if name in sys.modules])"
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.strip()


def test_no_module_of_the_evaluation_loads_the_platform_or_a_network_library() -> None:
    assert "overread.evaluation.compare" in MODULES
    assert list_loaded(["overread.evaluation", *MODULES], PLATFORM + HEAVY) == ""


def test_the_results_alone_load_no_array_library() -> None:
    assert list_loaded(["overread.evaluation.results"], ("scipy", "pandas", "nibabel")) == ""
