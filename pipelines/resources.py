"""What tasks ask of the cluster, from `settings.yaml`, and giving it to them."""

from functools import cache
from pathlib import Path
from typing import Literal

from kfp import dsl, kubernetes
from pydantic import Field, model_validator

from overread.settings import Settings

SETTINGS_FILE = Path(__file__).parent / "settings.yaml"
_QUANTITY = r"^\d+(\.\d+)?(m|[KMGT]i?)?$"
_LONGEST_BACKOFF = "600s"


class EnvironmentSource(Settings):
    """A ConfigMap or a Secret whose keys become environment variables of the same names."""

    config_map: str = Field("", description="name of a ConfigMap")
    secret: str = Field("", description="name of a Secret")
    variables: tuple[str, ...] = Field(min_length=1, description="keys, each the name of a variable")
    optional: bool = Field(False, description="a task starts without them too")

    @model_validator(mode="after")
    def _names_one(self) -> "EnvironmentSource":
        if bool(self.config_map) == bool(self.secret):
            raise ValueError("an environment must come from a config_map or a secret, one of the two")
        return self


class Retry(Settings):
    """How often a failed task is tried again; the wait doubles each time, up to ten minutes."""

    count: int = Field(ge=0, description="further attempts")
    backoff_seconds: int = Field(ge=0, description="wait before the first of them")


class Toleration(Settings):
    """A taint of nodes that a task puts up with."""

    key: str
    operator: Literal["Equal", "Exists"]
    value: str | None = None
    effect: Literal["NoExecute", "NoSchedule", "PreferNoSchedule"] | None = None


class TaskSettings(Settings):
    """What one task asks for."""

    cpu: str = Field(pattern=_QUANTITY, description="cores requested")
    memory: str = Field(pattern=_QUANTITY, description="memory requested")
    memory_limit: str = Field(pattern=_QUANTITY, description="memory at which it is stopped")
    accelerator: str = Field("", description="resource name of its GPUs, for example nvidia.com/gpu; empty for none")
    accelerator_count: int = Field(0, ge=0, description="GPUs of a task")
    shared_memory: str = Field("", description="size of /dev/shm; empty for the node's default")
    timeout_seconds: int = Field(ge=1, description="a task that takes longer has failed")
    retry: Retry
    node_selector: dict[str, str] = Field(default_factory=dict, description="labels that its node must have")
    tolerations: tuple[Toleration, ...] = ()


class ComponentSettings(Settings):
    """What a component asks for instead of what its kind of task does."""

    cpu: str | None = Field(None, pattern=_QUANTITY)
    memory: str | None = Field(None, pattern=_QUANTITY)
    memory_limit: str | None = Field(None, pattern=_QUANTITY)
    timeout_seconds: int | None = Field(None, ge=1)


class ClusterSettings(Settings):
    """Everything in `settings.yaml`."""

    environment: tuple[EnvironmentSource, ...] = ()
    pull_secrets: tuple[str, ...] = Field((), description="Secrets with the login of an image registry")
    scratch: str = Field(pattern=_QUANTITY, description="upper bound of the files of a task, at /tmp")
    parallelism: int = Field(ge=1, description="tasks of one loop that run at the same time")
    cpu_task: TaskSettings
    gpu_task: TaskSettings
    components: dict[str, ComponentSettings] = Field(default_factory=dict, description="by name of a component")

    def find_task(self, component: str, *, on_gpu: bool) -> TaskSettings:
        """What the task of a component asks for."""
        base = self.gpu_task if on_gpu else self.cpu_task
        own = self.components.get(component)
        return base if own is None else base.model_copy(update=own.model_dump(exclude_none=True))


@cache
def read_cluster_settings(path: Path = SETTINGS_FILE) -> ClusterSettings:
    """Read the settings.

    Raises:
        SettingsError: a key is unknown or a value breaks a rule.
    """
    return ClusterSettings.read_yaml(path)


def read_parallelism() -> int:
    """How many tasks of a loop may run at the same time."""
    return read_cluster_settings().parallelism


def place_on_cpu(task: dsl.PipelineTask, title: str) -> dsl.PipelineTask:
    """Name a task and give it the resources of a task without a GPU."""
    return place(task, title, read_cluster_settings(), on_gpu=False)


def place_on_gpu(task: dsl.PipelineTask, title: str) -> dsl.PipelineTask:
    """Name a task and give it the resources of a task that trains or predicts, its GPU among them."""
    return place(task, title, read_cluster_settings(), on_gpu=True)


def place(task: dsl.PipelineTask, title: str, settings: ClusterSettings, *, on_gpu: bool) -> dsl.PipelineTask:
    """Name a task and give it resources, environment, scratch space and retries."""
    task.set_display_name(title)
    # The steps reuse their own results by content; Kubeflow's cache looks at names only and can return old data.
    task.set_caching_options(False)
    asked = settings.find_task(task.component_spec.name, on_gpu=on_gpu)
    _ask(task, asked)
    _choose_nodes(task, asked)
    _connect(task, settings)
    return task


def _ask(task: dsl.PipelineTask, asked: TaskSettings) -> None:
    task.set_cpu_request(asked.cpu).set_memory_request(asked.memory).set_memory_limit(asked.memory_limit)
    if asked.accelerator:
        task.set_accelerator_type(asked.accelerator).set_accelerator_limit(asked.accelerator_count)
    if asked.shared_memory:
        kubernetes.empty_dir_mount(task, "shared-memory", "/dev/shm", medium="Memory", size_limit=asked.shared_memory)
    kubernetes.set_timeout(task, asked.timeout_seconds)
    task.set_retry(
        num_retries=asked.retry.count,
        backoff_duration=f"{asked.retry.backoff_seconds}s",
        backoff_factor=2.0,
        backoff_max_duration=_LONGEST_BACKOFF,
    )


def _choose_nodes(task: dsl.PipelineTask, asked: TaskSettings) -> None:
    for key, value in asked.node_selector.items():
        kubernetes.add_node_selector(task, key, value)
    for one in asked.tolerations:
        kubernetes.add_toleration(task, key=one.key, operator=one.operator, value=one.value, effect=one.effect)


def _connect(task: dsl.PipelineTask, settings: ClusterSettings) -> None:
    """The image runs with a read-only root file system; /tmp is the one path that it writes to."""
    kubernetes.empty_dir_mount(task, "scratch", "/tmp", size_limit=settings.scratch)
    for source in settings.environment:
        names = {name: name for name in source.variables}
        if source.config_map:
            kubernetes.use_config_map_as_env(task, source.config_map, names, optional=source.optional)
        else:
            kubernetes.use_secret_as_env(task, source.secret, names, optional=source.optional)
    if settings.pull_secrets:
        kubernetes.set_image_pull_secrets(task, list(settings.pull_secrets))
