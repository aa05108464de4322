"""`overread predict` and `uncertainty`: what trained networks say.

Every command imports what it needs when it is called.
"""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


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
