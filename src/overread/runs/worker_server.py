"""What the process has loaded that workers are forked from.

That process imports this module, and no other may: it takes one thread, ignores Ctrl-C, which its parent answers to,
and keeps off the GPU, for CUDA does not survive a fork.
"""

import gc
import os
import signal
from importlib import import_module

from overread.runs.workers import ONE_THREAD

LOADED_MODULES = (
    "boto3.exceptions",
    "mlflow.store.tracking.sqlalchemy_store",
    "monai.inferers",
    "monai.networks.nets",
    "overread.adapters.tracking",
    "overread.inference.ensemble",
    "overread.runs.train_networks",
    "overread.training.job",
)
_ENVIRONMENT = {
    **ONE_THREAD,
    # Without these two, Arrow's allocator starts a thread, and what asks for GPUs while it is imported starts CUDA.
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
    "PYTORCH_NVML_BASED_CUDA_CHECK": "1",
}

signal.signal(signal.SIGINT, signal.SIG_IGN)
os.environ.update(_ENVIRONMENT)
# Modules are no garbage: looking for it would take time here, and copies of their memory in each worker.
gc.disable()
for name in LOADED_MODULES:
    import_module(name)
gc.freeze()
gc.enable()
