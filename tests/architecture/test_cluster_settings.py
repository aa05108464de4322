"""What compiled tasks ask of the cluster, as `pipelines/settings.yaml` says."""

import pytest
import yaml
from kfp import compiler, dsl

from overread.errors import SettingsError
from overread.kubeflow.catalogue import PIPELINES
from pipelines.resources import SETTINGS_FILE, ClusterSettings, place, read_cluster_settings

TRAINING = {
    "activeDeadlineSeconds": "3600",
    "emptyDirMounts": [
        {"medium": "Memory", "mountPath": "/dev/shm", "sizeLimit": "8Gi", "volumeName": "shared-memory"},
        {"mountPath": "/tmp", "sizeLimit": "50Gi", "volumeName": "scratch"},
    ],
    "imagePullSecret": [
        {"secretName": "registry", "secretNameParameter": {"runtimeValue": {"constant": "registry"}}},
    ],
    "nodeSelector": {"labels": {"pool": "gpu"}},
    "tolerations": [{"key": "example.com/gpu", "operator": "Exists", "effect": "NoSchedule"}],
}


@dsl.component(base_image="example/image:1", install_kfp_package=False)
def train_networks():
    print("training")


def compile_documents(settings, tmp_path):
    @dsl.pipeline(name="one-training")
    def one_training():
        place(train_networks(), "Train", settings, on_gpu=True)

    compiler.Compiler().compile(one_training, str(tmp_path / "package.yaml"))
    return list(yaml.safe_load_all((tmp_path / "package.yaml").read_text()))


@pytest.fixture
def documents(tmp_path):
    """Compiled with a made-up GPU, a timeout of its own and a private registry."""
    values = yaml.safe_load(SETTINGS_FILE.read_text())
    values |= {"pull_secrets": ["registry"], "components": {"train-networks": {"timeout_seconds": 3600, "cpu": "8"}}}
    values["gpu_task"] |= {
        "accelerator": "example.com/gpu",
        "accelerator_count": 2,
        "node_selector": {"pool": "gpu"},
        "tolerations": [{"key": "example.com/gpu", "operator": "Exists", "effect": "NoSchedule"}],
    }
    return compile_documents(ClusterSettings.parse(values, where="test"), tmp_path)


def test_a_gpu_its_nodes_its_memory_and_its_login_are_asked_for(documents):
    platform = documents[1]["platforms"]["kubernetes"]["deploymentSpec"]["executors"]["exec-train-networks"]
    assert {name: value for name, value in platform.items() if not name.endswith("AsEnv")} == TRAINING


def test_resources_and_retries_with_growing_waits_are_in_the_graph(documents):
    spec = documents[0]
    resources = spec["deploymentSpec"]["executors"]["exec-train-networks"]["container"]["resources"]
    assert resources["accelerator"] == {
        "count": "2",
        "resourceCount": "2",
        "resourceType": "example.com/gpu",
        "type": "example.com/gpu",
    }
    assert (resources["resourceCpuRequest"], resources["resourceMemoryLimit"]) == ("8", "32Gi")
    assert spec["root"]["dag"]["tasks"]["train-networks"]["retryPolicy"] == {
        "maxRetryCount": 3,
        "backoffDuration": "60s",
        "backoffFactor": 2.0,
        "backoffMaxDuration": "600s",
    }


@pytest.mark.parametrize("name", PIPELINES)
def test_every_task_has_its_environment_a_time_limit_and_scratch_space(name):
    spec, platform = yaml.safe_load_all(PIPELINES[name].package.read_text())
    executors = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    assert executors.keys() == spec["deploymentSpec"]["executors"].keys()
    for executor in executors.values():
        required = [source for source in executor["configMapAsEnv"] if not source["optional"]]
        assert [key["envVar"] for source in required for key in source["keyToEnv"]] == [
            "MLFLOW_TRACKING_URI",
            "OVERREAD_STORE",
        ]
        assert [source["secretName"] for source in executor["secretAsEnv"]] == ["overread-credentials"]
        assert int(executor["activeDeadlineSeconds"]) > 0
        assert "/tmp" in [mount["mountPath"] for mount in executor["emptyDirMounts"]]


def test_every_component_with_settings_of_its_own_exists():
    known = {
        component.removeprefix("comp-")
        for pipeline in PIPELINES.values()
        for component in next(yaml.safe_load_all(pipeline.package.read_text()))["components"]
    }
    assert read_cluster_settings().components.keys() <= known


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scratch": "lots"}, "scratch"),
        ({"gpus": 4}, "gpus"),
        ({"environment": [{"variables": ["X"]}]}, "config_map or a secret, one of the two"),
        ({"parallelism": 0}, "parallelism"),
    ],
)
def test_settings_that_break_a_rule_are_named(change, message):
    values = yaml.safe_load(SETTINGS_FILE.read_text()) | change
    with pytest.raises(SettingsError, match=message):
        ClusterSettings.parse(values, where="settings.yaml")
