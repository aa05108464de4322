"""`overread model …`: look at registered networks and decide on them. Every command imports what it needs late."""

import getpass
from pathlib import Path

from cyclopts import App

model_app = App(name="model", help_format="plaintext", help="Trace, promote, refuse and roll back registered networks.")
_WORKSPACE = ".overread"


@model_app.command
def trace(address: str, *, study: Path | None = None) -> None:
    """Print the exact study revision, settings and code that a registered network was made from.

    Args:
        address: NAME@champion, NAME@challenger or NAME@VERSION.
        study: Folder of the study whose local MLflow is meant, where MLFLOW_TRACKING_URI is not set.
    """
    from overread.questions.retrain.steps import manage_networks

    print(*manage_networks.trace(address, workspace=_locate_workspace(study)), sep="\n")


@model_app.command
def promote(name: str, *, version: str, reason: str, by: str = "", study: Path | None = None) -> None:
    """Make a version champion, whatever the gate said of it.

    Args:
        name: Name of the registered network, for example demo-rater1.
        version: Its number, or challenger.
        reason: Why, for those who come later.
        by: Who decides; the user's login if not given.
        study: Folder of the study whose local MLflow is meant, where MLFLOW_TRACKING_URI is not set.
    """
    from overread.questions.retrain.steps import manage_networks

    print(
        manage_networks.promote(
            name, version, reason=reason, by=by or getpass.getuser(), workspace=_locate_workspace(study)
        )
    )


@model_app.command
def refuse(name: str, *, version: str, reason: str, by: str = "", study: Path | None = None) -> None:
    """End the hold of a version that the gate could not decide on: it does not become champion.

    Args:
        name: Name of the registered network, for example demo-rater1.
        version: Its number, or challenger.
        reason: Why, for those who come later.
        by: Who decides; the user's login if not given.
        study: Folder of the study whose local MLflow is meant, where MLFLOW_TRACKING_URI is not set.
    """
    from overread.questions.retrain.steps import manage_networks

    print(
        manage_networks.refuse(
            name, version, reason=reason, by=by or getpass.getuser(), workspace=_locate_workspace(study)
        )
    )


@model_app.command
def rollback(name: str, *, reason: str, by: str = "", study: Path | None = None) -> None:
    """Give the place of the champion back to the version that held it before.

    Args:
        name: Name of the registered network, for example demo-rater1.
        reason: Why, for those who come later.
        by: Who decides; the user's login if not given.
        study: Folder of the study whose local MLflow is meant, where MLFLOW_TRACKING_URI is not set.
    """
    from overread.questions.retrain.steps import manage_networks

    print(
        manage_networks.roll_back(name, reason=reason, by=by or getpass.getuser(), workspace=_locate_workspace(study))
    )


def _locate_workspace(study: Path | None) -> Path | None:
    from overread.errors import InputError

    if study is None:
        return None
    workspace = study / _WORKSPACE
    if not workspace.is_dir():
        raise InputError(
            "a study must have been trained on this machine to have networks here",
            found=f"no folder {workspace}",
            hint="`overread run retrain` makes it, or set MLFLOW_TRACKING_URI",
        )
    return workspace
