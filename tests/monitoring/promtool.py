"""Prometheus's own checks of rules."""

import subprocess
from pathlib import Path
from typing import Literal

from tests.servers import find_program


def run_promtool(action: Literal["check", "test"], file: Path) -> str:
    """Check a file of rules, or run a file of rule tests; returns what it prints."""
    command = [find_program("promtool", "prometheus"), action, "rules", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
