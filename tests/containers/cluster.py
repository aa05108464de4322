"""Running compiled packages with kfp's local runner, whose way of starting containers is that of a cluster."""

import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.containers.engine import REPOSITORY
from tests.containers.launcher import ClusterLauncher, connect_s3, fetch_artifacts, read_platform
from tests.containers.network import inside
from tests.containers.played_services import Services

_PACKAGES = REPOSITORY / "src" / "overread" / "kubeflow" / "packages"


@dataclass(frozen=True)
class FinishedRun:
    """A pipeline run that ended well.

    Attributes:
        launcher: what ran its tasks.
        folder: where kfp's local runner keeps what tasks said.
    """

    launcher: ClusterLauncher
    folder: Path

    @property
    def tasks(self) -> Counter[str]:
        """How often each component ran."""
        return Counter(self.launcher.ran)

    def fetch(self, target: Path) -> None:
        """Bring its artifacts from S3, a folder per task."""
        with inside():
            fetch_artifacts(self.launcher.s3, self.folder.name, target)


@dataclass(frozen=True)
class Cluster:
    """Where pipelines run.

    Attributes:
        image: of all tasks.
        services: those of the manifests.
        scratch: keeps what the local runner writes.
    """

    image: str
    services: Services
    scratch: Path

    def run(self, name: str, arguments: Mapping[str, Any]) -> FinishedRun:
        """Run a compiled pipeline to its end.

        Args:
            name: of the pipeline.
            arguments: parameters that differ from their defaults.
        """
        from kfp import components, local
        from kfp.local import docker_task_handler
        from kfp.local.status import Status

        began, package = time.monotonic(), _PACKAGES / f"{name}.yaml"
        launcher = self._make_launcher(package)

        def run(handler: docker_task_handler.DockerTaskHandler) -> Status:
            return Status.SUCCESS if launcher.run(handler.full_command) == 0 else Status.FAILURE

        pipeline = components.load_component_from_file(str(package))
        _drop_retries(pipeline.pipeline_spec)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(docker_task_handler.DockerTaskHandler, "run", run)
            local.init(local.DockerRunner(), pipeline_root=str(launcher.root), raise_on_error=True)
            pipeline(**arguments)
        print(f"\n{name}: {launcher.ran} in {time.monotonic() - began:.0f} s")
        (folder,) = launcher.root.iterdir()
        return FinishedRun(launcher, folder)

    def _make_launcher(self, package: Path) -> ClusterLauncher:
        return ClusterLauncher(
            image=self.image,
            network=self.services.network.option,
            platform=read_platform(package),
            objects=self.services.objects,
            s3=connect_s3(self.services.environment),
            root=Path(tempfile.mkdtemp(dir=self.scratch)),
        )


def _drop_retries(specification: Any) -> None:
    """Without them a task that fails does so once, and at once."""
    for dag in (specification.root.dag, *(component.dag for component in specification.components.values())):
        for task in dag.tasks.values():
            task.ClearField("retry_policy")
