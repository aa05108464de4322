"""Giving tasks what `settings.yaml` says that they ask of the cluster."""

from kfp import dsl, kubernetes

from pipelines.settings import ClusterSettings, TaskSettings, read_cluster_settings

_LONGEST_BACKOFF = "600s"


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
