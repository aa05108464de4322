"""`overread predict`, `uncertainty` and `model …`: what trained networks say, and deciding on registered ones.

Every command imports what it needs when it is called.
"""

import getpass
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

model_app = App(name="model", help_format="plaintext", help="Trace, promote, refuse and roll back registered networks.")
_WORKSPACE = ".overread"


def predict(folder: Path, network: Path, output: Path, *, case: tuple[str, ...] = (), device: str = "auto") -> None:
    """Outline cases of a study with a trained network.

    Args:
        folder: Folder of the study.
        network: Folder that `overread train` wrote.
        output: Folder that gets one mask per case.
        case: Cases to predict; all if none is given.
        device: auto, cpu or cuda.
    """
    from overread.runs import predict_one

    predict_one.run(folder, network, output, case_ids=case, device=device)


def uncertainty(
    folder: Path,
    output: Path,
    *,
    network: Annotated[tuple[Path, ...], Parameter(consume_multiple=True, negative=())],
    method: str = "tta",
    samples: int = 10,
    seed: int = 0,
    case: Annotated[tuple[str, ...], Parameter(consume_multiple=True, negative=())] = (),
    device: str = "auto",
) -> None:
    """Map where trained networks are uncertain in cases of a study.

    Args:
        folder: Folder of the study.
        output: Folder that gets a map of probability, aleatoric and epistemic uncertainty per case; a run that was
            interrupted there goes on.
        network: Folders that `overread train` wrote; several for the method ensemble.
        method: tta (varied copies of the image), mc_dropout or ensemble.
        samples: Predictions of each network (tta and mc_dropout).
        seed: Another seed draws other variations.
        case: Cases to map; all if none is given.
        device: auto, cpu or cuda.
    """
    from overread.inference.settings import UncertaintySettings
    from overread.runs import estimate_uncertainty

    values = {"method": method, "samples": samples, "seed": seed}
    settings = UncertaintySettings.parse(values, where="overread uncertainty")
    estimate_uncertainty.run(folder, output, network, settings=settings, case_ids=case, device=device)


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
