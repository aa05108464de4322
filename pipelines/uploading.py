"""Uploading packages to Kubeflow Pipelines, one version per commit and content."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from overread.errors import VersioningError
from pipelines.catalogue import Pipeline
from pipelines.kubeflow_client import KubeflowClient
from pipelines.package_file import PackageFile


@dataclass(frozen=True)
class Upload:
    """A version of a pipeline on the server.

    Attributes:
        version: name of the version.
        page: its address in the user interface.
        is_new: whether this upload made it.
    """

    version: str
    page: str
    is_new: bool


def upload_pipeline(client: KubeflowClient, pipeline: Pipeline, *, commit: str) -> Upload:
    """Upload the package of a pipeline as its newest version, unless it is there already.

    Args:
        client: the server.
        pipeline: which one; it is made on the server where it is not there yet.
        commit: commit of the checkout that the package was compiled in.

    Raises:
        SettingsError: the pipeline is not compiled.
        KubeflowError: the server cannot be reached or refuses.
    """
    package = pipeline.compiled
    version = name_version(pipeline, package, commit)
    pipeline_id = client.find_pipeline(pipeline.name) or client.create_pipeline(pipeline.name, pipeline.description)
    if there := client.find_version(pipeline_id, version):
        return Upload(version, client.name_version_page(pipeline_id, there), is_new=False)
    version_id = client.upload_version(
        pipeline_id, package.path, name=version, description=f"commit {commit}, package sha256:{package.digest}"
    )
    return Upload(version, client.name_version_page(pipeline_id, version_id), is_new=True)


def name_version(pipeline: Pipeline, package: PackageFile, commit: str) -> str:
    """Name of a version, for example `relabel-1f2e3d4c5b-9a8b7c6d`: the commit, then the package's digest.

    The digest tells apart packages that one commit is compiled to for several images. The pipeline's name is part of
    it because a Kubeflow that keeps its pipelines as Kubernetes objects wants one name per version in a namespace.
    """
    return f"{pipeline.name}-{commit[:10]}-{package.digest[:8]}"


def find_clean_commit(checkout: Path) -> str:
    """The commit of a checkout that has no change but in `pipelines/packages`, which a digest names.

    Raises:
        VersioningError: it is no git checkout, has no commit or has changes.
    """
    changes = _git(checkout, "status", "--porcelain", "--", ".", ":(exclude)pipelines/packages").splitlines()
    if changes:
        shown = ", ".join(line[3:] for line in changes[:3]) + (", …" if len(changes) > 3 else "")
        raise VersioningError(
            f"the checkout must hold no change that no commit holds, got {len(changes)}: {shown}; {checkout}. "
            "Hint: commit or stash the changes, so that the version's name says what runs; compile after that."
        )
    return _git(checkout, "rev-parse", "--verify", "HEAD").strip()


def _git(checkout: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(["git", *arguments], cwd=checkout, capture_output=True, text=True, check=True)
    except FileNotFoundError as error:
        raise VersioningError("git must be installed to name versions by their commit.") from error
    except subprocess.CalledProcessError as error:
        raise VersioningError(
            f"pipelines must be uploaded from a git checkout, got {error.stderr.strip()!r}; {checkout}."
        ) from error
    return done.stdout
