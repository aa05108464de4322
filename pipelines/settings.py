"""What tasks ask of the cluster, from `settings.yaml`."""

from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from overread.settings import Settings

SETTINGS_FILE = Path(__file__).parent / "settings.yaml"
_QUANTITY = r"^\d+(\.\d+)?(m|[KMGT]i?)?$"


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
