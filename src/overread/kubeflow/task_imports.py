"""What the tasks of a local run have in common, imported once before they are forked."""

import importlib
import os

# As in the command of a compiled component: with it kfp imports what a task needs, and neither client nor compiler.
os.environ["_KFP_RUNTIME"] = "true"

for name in ("kfp.dsl.executor_main", "pandas", "overread.adapters.storage", "overread.runs.plan"):
    importlib.import_module(name)
