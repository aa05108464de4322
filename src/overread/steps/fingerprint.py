"""Names of results: the same data, settings and code give the same name."""

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import overread


def compute_fingerprint(kind: str, *, packages: tuple[str, ...], parts: Mapping[str, object]) -> str:
    """SHA-256 over the kind of result, what it was made from and the code of the packages that made it.

    Args:
        kind: what is made, for example "training".
        packages: the packages and modules of Overread that the result depends on.
        parts: everything else that it depends on, as JSON values.
    """
    content = {"kind": kind, "code": {name: compute_code_digest(name) for name in packages}, "parts": dict(parts)}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


@cache
def compute_code_digest(package: str = "") -> str:
    """SHA-256 over one module or one package of Overread, its sub-packages left out, or over all of Overread."""
    root = Path(overread.__file__).parent
    part = root / package
    paths = [part] if part.is_file() else part.glob("*") if package else root.rglob("*")
    total = hashlib.sha256()
    for path in sorted(path for path in paths if path.suffix in (".py", ".yaml", ".j2", ".css")):
        total.update(f"{path.relative_to(root).as_posix()}\0".encode() + path.read_bytes())
    return total.hexdigest()
