import subprocess
import sys

import pytest

HEAVY = {"mlflow", "dvc", "boto3", "botocore", "prometheus_client", "torch", "pandas"}


@pytest.mark.parametrize("module", ["environment", "storage", "s3_blobs", "telemetry", "tracking", "versioning"])
def test_importing_an_adapter_loads_no_service_library(module: str) -> None:
    code = f"import overread.adapters.{module}, sys; print(*sorted({HEAVY!r} & set(sys.modules)))"
    answer = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert answer.stdout.split() == []
