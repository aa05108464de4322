r"""Print the Secrets of an overlay as YAML, with fresh random values.

    python3 manifests/make-secrets.py --namespace overread | kubectl apply -f -

Values that exist already are taken from environment variables of the same name:

    AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=… python3 manifests/make-secrets.py --namespace overread \
        --existing AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY | kubectl apply -f -
"""

import argparse
import base64
import os
import re
import secrets
import sys
from collections.abc import Callable, Iterable, Mapping

# Tasks log in as the administrator of MLflow, MLFLOW_AUTH_ADMIN_USERNAME in base/mlflow/kustomization.yaml.
_ADMINISTRATOR = "overread"
_SECRETS: Mapping[str, tuple[str, ...]] = {
    "overread-credentials": (
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "MLFLOW_TRACKING_USERNAME",
        "MLFLOW_TRACKING_PASSWORD",
    ),
    "mlflow-server": ("PGPASSWORD", "MLFLOW_AUTH_ADMIN_PASSWORD", "MLFLOW_FLASK_SERVER_SECRET_KEY"),
    "postgres": ("POSTGRES_PASSWORD",),
}
_NAMES = tuple(name for names in _SECRETS.values() for name in names)
_PAIRS = (("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"))
_MAKERS: Mapping[str, Callable[[], str]] = {
    "AWS_ACCESS_KEY_ID": lambda: secrets.token_hex(10).upper(),
    "MLFLOW_TRACKING_USERNAME": lambda: _ADMINISTRATOR,
}


def main() -> None:
    """Print the Secrets, or one message and exit with code 2."""
    parser = argparse.ArgumentParser(description="Print the Secrets of an overlay as YAML, with fresh random values.")
    parser.add_argument("--namespace", required=True, help="namespace of the overlay")
    parser.add_argument(
        "--existing",
        nargs="+",
        default=[],
        metavar="NAME",
        help=f"values to take from environment variables: {', '.join(_NAMES)}",
    )
    arguments = parser.parse_args()
    try:
        check_namespace(arguments.namespace)
        values = make_values(read_existing(arguments.existing, os.environ))
    except ValueError as error:
        print(f"make-secrets: {error}", file=sys.stderr)
        sys.exit(2)
    print("---\n".join(write_secret(name, arguments.namespace, values) for name in _SECRETS), end="")


def check_namespace(namespace: str) -> None:
    """Refuse what Kubernetes would refuse as the name of a namespace."""
    if not re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", namespace):
        raise ValueError(
            "--namespace must hold lower-case letters, digits and hyphens, 63 at most, with no hyphen at its ends, "
            f"got {namespace!r}."
        )


def read_existing(names: Iterable[str], environment: Mapping[str, str]) -> dict[str, str]:
    """Read the values that exist from the environment; a pair such as the S3 keys comes as a whole."""
    existing = {name: _read_value(name, environment) for name in names}
    for pair in _PAIRS:
        missing = [name for name in pair if name not in existing]
        if len(missing) == 1:
            raise ValueError(f"--existing must name {' and '.join(pair)} together, {missing[0]} is missing.")
    return existing


def make_values(existing: Mapping[str, str]) -> dict[str, str]:
    """Complete the values that exist with random ones."""
    made = {name: _MAKERS.get(name, lambda: secrets.token_urlsafe(30))() for name in _NAMES}
    values = made | dict(existing)
    if "MLFLOW_TRACKING_PASSWORD" not in existing:
        values["MLFLOW_TRACKING_PASSWORD"] = values["MLFLOW_AUTH_ADMIN_PASSWORD"]
    return values


def write_secret(name: str, namespace: str, values: Mapping[str, str]) -> str:
    """Write one Secret as YAML."""
    data = "".join(f'  {key}: "{base64.b64encode(values[key].encode()).decode()}"\n' for key in _SECRETS[name])
    # Immutable: applied a second time, new values are refused, for PostgreSQL keeps the password of its first start.
    return (
        "apiVersion: v1\nkind: Secret\ntype: Opaque\nimmutable: true\n"
        f"metadata:\n  name: {name}\n  namespace: {namespace}\n"
        "  labels:\n    app.kubernetes.io/part-of: overread\n"
        f"data:\n{data}"
    )


def _read_value(name: str, environment: Mapping[str, str]) -> str:
    if name not in _NAMES:
        raise ValueError(f"--existing must hold names among {', '.join(_NAMES)}, got {name!r}.")
    value = environment.get(name, "")
    if not value:
        raise ValueError(f"{name} must be set in the environment when --existing names it. Hint: export {name}=….")
    if value != value.strip():
        raise ValueError(f"{name} must not begin or end with white space. Hint: a file read with $(cat FILE) is safe.")
    return value


if __name__ == "__main__":
    main()
