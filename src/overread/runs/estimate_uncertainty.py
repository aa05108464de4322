"""Step: estimate the uncertainty of the predictions of trained networks, case by case."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from overread.errors import InputError
from overread.inference.settings import InferenceSettings, UncertaintySettings
from overread.inference.uncertainty import estimate_uncertainty
from overread.inference.uncertainty_maps import UncertaintyMaps, write_uncertainty
from overread.networks.hardware import DeviceName, select_device
from overread.networks.settings import SETTINGS_FILE, WEIGHTS_FILE
from overread.runs.map_collection import ORIGIN_FILE, RELABELLING_MAP
from overread.runs.progress import report_progress
from overread.study.digest import compute_files_digest, compute_images_digest
from overread.study.label_set import LabelSet
from overread.study.output_folder import check_is_outside_labels
from overread.study.schema import Provenance
from overread.study.study import Study

OPERATION = "estimate uncertainty"
_SCRATCH = ".partial-"


def run(
    folder: Path,
    output: Path,
    networks: Sequence[Path],
    *,
    settings: UncertaintySettings,
    case_ids: Sequence[str],
    device: str,
) -> None:
    """Write `<map>/<case>` into `output` for each case, and beside them a provenance file.

    Cases that have maps already, by the same networks and settings, are passed over: an interrupted run goes on, and
    more cases can be added.

    Args:
        folder: folder of the study.
        output: gets the folders probability, aleatoric and epistemic; new, empty, or of the same networks and settings.
        networks: folders of trained networks.
        settings: method and number of predictions.
        case_ids: cases to predict; all if empty.
        device: auto, cpu or cuda.

    Raises:
        InputError: a case is not one of the study, a network does not fit the study or the method, or the folder holds
            something else.
        StorageError: a folder does not hold a whole network.
    """
    study = Study.open(folder)
    for case_id in case_ids:
        if case_id not in study.case_ids:
            raise InputError("a case must be one of the study", found=repr(case_id))
    check_is_outside_labels(folder, output)
    origin = _describe_origin(study, networks, settings)
    _check_output(output, origin)
    done = LabelSet("", output / RELABELLING_MAP, study.suffix).select_labelled(study.case_ids)
    for case_id in case_ids or study.case_ids:
        if case_id in done:
            continue
        maps = estimate_uncertainty(
            study,
            case_id,
            networks,
            settings=settings,
            inference=InferenceSettings(),
            device=select_device(cast(DeviceName, device)),
        )
        _store(output, study, case_id, maps, origin)
        report_progress(f"{case_id}: cumulative uncertainty {maps.cumulative_aleatoric:.4g}")


def _describe_origin(study: Study, networks: Sequence[Path], settings: UncertaintySettings) -> Provenance:
    parents = {"images": compute_images_digest(study)}
    for number, network in enumerate(networks, 1):
        paths = [network / name for name in (SETTINGS_FILE, WEIGHTS_FILE)]
        if missing := [path.name for path in paths if not path.is_file()]:
            raise InputError(
                f"a network must hold {SETTINGS_FILE} and {WEIGHTS_FILE}",
                found=f"no {missing[0]}",
                where=str(network),
                hint="name a folder that `overread train` wrote",
            )
        parents[f"network {number}"] = compute_files_digest(network, paths)
    return Provenance(operation=OPERATION, parents=parents, parameters=settings.model_dump(mode="json"))


def _check_output(output: Path, origin: Provenance) -> None:
    if not output.exists() or (output.is_dir() and all(path.name.startswith(_SCRATCH) for path in output.iterdir())):
        return
    file = output / ORIGIN_FILE
    if not file.is_file() or Provenance.read_yaml(file) != origin:
        raise InputError(
            "the output folder must be new, empty, or hold maps by the same networks and settings",
            found=output,
            hint="choose another folder",
        )


def _store(output: Path, study: Study, case_id: str, maps: UncertaintyMaps, origin: Provenance) -> None:
    """Write the maps of a case so that none of its files is ever half-written, and the one that counts comes last."""
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=_SCRATCH, dir=output) as scratch:
        write_uncertainty(Path(scratch), case_id, maps, study.read_affine(case_id))
        origin.write_yaml(Path(scratch) / ORIGIN_FILE)
        (Path(scratch) / ORIGIN_FILE).replace(output / ORIGIN_FILE)
        written = sorted(Path(scratch).glob("*/*"), key=lambda path: path.parent.name == RELABELLING_MAP)
        for path in written:
            target = output / path.relative_to(scratch)
            target.parent.mkdir(exist_ok=True)
            path.replace(target)
