"""What the process has loaded that workers are forked from.

That process imports this module, and no other may: it takes one thread, ignores Ctrl-C, which its parent answers to,
and keeps off the GPU, for CUDA does not survive a fork.
"""

import os
import signal
from importlib import import_module

from overread.steps.worker_pools import ONE_THREAD

LOADED_MODULES = (
    "monai.inferers",
    "monai.networks.nets",
    "overread.adapters.mlflow_calls",
    "overread.adapters.tracking",
    "overread.evaluation.hit_tables",
    "overread.inference.ensemble",
    "overread.inference.uncertainty_files",
    "overread.steps.probe_training",
    "overread.training.classifier_fold",
    "overread.training.classifier_training",
    "overread.training.job",
    "overread.training.probe_loop",
)

signal.signal(signal.SIGINT, signal.SIG_IGN)
# NVML counts GPUs without CUDA, should a library ask for them when it is imported.
os.environ.update({**ONE_THREAD, "PYTORCH_NVML_BASED_CUDA_CHECK": "1"})
for name in LOADED_MODULES:
    import_module(name)
