"""Uncertainty maps of the cases of a study, read one case at a time, with what is known about their making."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from overread.errors import InputError
from overread.inference.uncertainty_maps import UncertaintyMaps, read_uncertainty
from overread.study.digest import compute_files_digest
from overread.study.label_set import LabelSet
from overread.study.schema import Provenance
from overread.study.study import Study

ORIGIN_FILE = "provenance.yaml"
"""Beside the folders of maps: networks and settings that they were estimated with."""
RELABELLING_MAP = "aleatoric"
"""The map that relabelling goes by."""


@dataclass(frozen=True)
class MapCollection:
    """Uncertainty maps of some cases.

    Attributes:
        read: gives the maps of a case, (*S) each on the grid of the study. It is called up to three times per case, so
            it should read them and not estimate them anew.
        case_ids: cases that have maps.
        parents: what the maps were made from (networks, images or the maps themselves), each with its digest.
        parameters: how they were made, as YAML values: method, samples, epochs and the like.
    """

    read: Callable[[str], UncertaintyMaps]
    case_ids: tuple[str, ...]
    parents: Mapping[str, str]
    parameters: Mapping[str, Any]

    def select(self, case_ids: Sequence[str], *, where: str) -> tuple[str, ...]:
        """The given cases that have maps, in the given order.

        Raises:
            InputError: none has.
        """
        held = set(self.case_ids)
        found = tuple(case_id for case_id in case_ids if case_id in held)
        if not found:
            hint = "estimate them with `overread uncertainty`"
            raise InputError("uncertainty maps must be of labelled cases", found="none", where=where, hint=hint)
        return found


def open_map_folder(folder: Path, study: Study) -> MapCollection:
    """Open the maps that `overread uncertainty`, or `write_uncertainty`, left in a folder.

    Raises:
        InputError: it holds no map of a case of the study.
    """
    maps = LabelSet("", folder / RELABELLING_MAP, study.suffix)
    case_ids = maps.select_labelled(study.case_ids)
    if not case_ids:
        raise InputError(
            "a folder of uncertainty must hold maps of cases of the study",
            found=f"none in {maps.folder}",
            hint="estimate them with `overread uncertainty`",
        )
    origin = Provenance(operation="")
    if (folder / ORIGIN_FILE).is_file():
        origin = Provenance.read_yaml(folder / ORIGIN_FILE)
    digest = compute_files_digest(maps.folder, (maps.path(case_id) for case_id in case_ids))
    return MapCollection(
        read=lambda case_id: read_uncertainty(folder, case_id, study.suffix),
        case_ids=case_ids,
        parents={"uncertainty maps": digest, **origin.parents},
        parameters=origin.parameters,
    )
