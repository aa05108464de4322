"""Uploading packages to Kubeflow Pipelines, one version per commit, or release, and content."""

from dataclasses import dataclass

from overread.kubeflow.catalogue import PackageFile, Pipeline
from overread.kubeflow.client import KubeflowClient
from overread.kubeflow.code_origin import CodeOrigin


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


def upload_pipeline(client: KubeflowClient, pipeline: Pipeline, *, origin: CodeOrigin) -> Upload:
    """Upload the package of a pipeline as its newest version, unless it is there already.

    Args:
        client: the server.
        pipeline: which one; it is made on the server where it is not there yet.
        origin: where the package comes from.

    Raises:
        SettingsError: the pipeline is not compiled.
        KubeflowError: the server cannot be reached or refuses.
    """
    package = pipeline.compiled
    version = name_version(pipeline, package, origin)
    pipeline_id = client.find_pipeline(pipeline.name) or client.create_pipeline(pipeline.name, pipeline.description)
    if there := client.find_version(pipeline_id, version):
        return Upload(version, client.name_version_page(pipeline_id, there), is_new=False)
    version_id = client.upload_version(
        pipeline_id, package.path, name=version, description=f"{origin}, package sha256:{package.digest}"
    )
    return Upload(version, client.name_version_page(pipeline_id, version_id), is_new=True)


def name_version(pipeline: Pipeline, package: PackageFile, origin: CodeOrigin) -> str:
    """Name of a version, for example `relabel-1f2e3d4c5b-9a8b7c6d`: the commit or release, then the package's digest.

    The digest tells apart packages that one commit is compiled to for several images. The pipeline's name is part of
    it because a Kubeflow that keeps its pipelines as Kubernetes objects wants one name per version in a namespace.
    """
    return f"{pipeline.name}-{origin.name[:10]}-{package.digest[:8]}"
