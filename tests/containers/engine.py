"""podman, called as a user calls it."""

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[2]


def podman(*arguments: str, before: Sequence[str] = (), timeout: int = 600) -> str:
    """Run podman and return what it prints, both streams of `logs` among it.

    Args:
        arguments: after `podman`.
        before: words before `podman`, as `nsenter …`.
        timeout: seconds.

    Raises:
        AssertionError: it failed; the message holds what it said.
    """
    done = subprocess.run([*before, "podman", *arguments], capture_output=True, text=True, timeout=timeout, check=False)
    assert done.returncode == 0, f"podman {' '.join(arguments)[:300]}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout + (done.stderr if arguments[0] == "logs" else "")


def inspect(image: str) -> dict[str, Any]:
    """What podman knows of an image."""
    return dict(json.loads(podman("image", "inspect", image))[0])


def build(image: str, file: str = "Dockerfile", *, context: str = "") -> None:
    """Build an image.

    Args:
        image: its name.
        file: the Dockerfile, in this checkout.
        context: folder whose files it may copy, in this checkout.

    OVERREAD_BASE_IMAGE names another base than the Dockerfile does, and OVERREAD_BUILD_OPTIONS holds further options of
    `podman build`, separated by blanks, for networks that need certificates or wheels of their own.
    """
    base = os.environ.get("OVERREAD_BASE_IMAGE")
    options = ["--format", "docker", "--network", "host", *os.environ.get("OVERREAD_BUILD_OPTIONS", "").split()]
    options += ["--build-arg", f"BASE_IMAGE={base}"] if base else []
    podman("build", *options, "--file", str(REPOSITORY / file), "--tag", image, str(REPOSITORY / context), timeout=3000)
