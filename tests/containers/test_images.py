"""The images: small, without tools of their making, and at home with a read-only root and no rights."""

import pytest

from tests.containers.engine import inspect, podman

MOST_BYTES = 2.5e9
LEAN = ["run", "--rm", "--read-only", "--network=none", "--cap-drop=all", "--no-healthcheck"]

pytestmark = [pytest.mark.containers, pytest.mark.timeout(3600)]


def test_the_image_for_cpus_stays_under_its_bound(image):
    size = inspect(image)["Size"]
    print(f"\n{image}: {size / 1e9:.2f} GB")
    assert size < MOST_BYTES


def test_it_tells_its_version_with_a_read_only_root_and_no_rights(image):
    assert podman(*LEAN, image, "overread", "--version").strip() == "0.1.0"


@pytest.mark.parametrize("name", ["image", "mlflow_image"])
def test_it_runs_as_a_user_without_a_name_in_the_host(name, request):
    chosen = request.getfixturevalue(name)
    assert inspect(chosen)["Config"]["User"] == "10001"
    assert podman(*LEAN, chosen, "id", "-u").strip() == "10001"


@pytest.mark.parametrize("name", ["image", "mlflow_image"])
def test_it_names_itself_its_licence_and_what_it_writes_to(name, request):
    labels = inspect(request.getfixturevalue(name))["Labels"]
    assert labels["org.opencontainers.image.title"].startswith("overread")
    assert labels["org.opencontainers.image.licenses"] == "Apache-2.0"
    assert labels["org.overread.writable"] == "/tmp"


@pytest.mark.parametrize("name", ["image", "mlflow_image"])
def test_tmp_is_the_only_place_it_can_write_to(name, request):
    script = "touch /tmp/x; for place in / /usr /opt /var /etc /home; do touch $place/x 2>&1; done; true"
    answers = podman(*LEAN, request.getfixturevalue(name), "sh", "-c", script).splitlines()
    assert [line.rpartition(": ")[2] for line in answers] == ["Read-only file system"] * 6


def test_no_compiler_package_manager_of_python_or_cache_is_left(image):
    tools = "for tool in gcc cc make uv hatchling pytest /opt/overread/bin/pip; do command -v $tool; done"
    caches = "find /var/lib/apt/lists /var/cache/apt /root/.cache -type f 2>/dev/null"
    assert podman(*LEAN, image, "sh", "-c", f"{tools}; {caches}; true") == ""


def test_it_is_healthy(image):
    assert inspect(image)["Healthcheck"]["Test"] == ["CMD", "overread", "--version"]


def test_the_tracking_server_says_what_it_lacks(mlflow_image):
    with pytest.raises(AssertionError, match="serve-mlflow: PGHOST must be set"):
        podman(*LEAN, mlflow_image)
