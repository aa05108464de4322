"""Which of the files that were handed in belongs to which case."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from overread.errors import StudyError, describe_problem
from overread.study.cases import Case, read_unchecked_cases
from overread.study.importing.pattern import list_files, strip_raster_suffix
from overread.study.importing.plan import SINGLE_CHANNEL
from overread.study.study import Study

ImageFiles = Mapping[str, Path]
"""The files of one case, by channel."""
Locate = Callable[[Path], Path]
"""Turns the path of a file of the study into one that can be read: data that were not fetched lie elsewhere."""


@dataclass(frozen=True)
class AnnotationFiles:
    """Masks, images and rows of the case table that were handed in.

    Attributes:
        masks: mask file by case.
        images: files by case.
        rows: of the table of cases, in its order; None where there is no table.
        problems: what is wrong already, before any image was read.
    """

    masks: Mapping[str, Path]
    images: Mapping[str, ImageFiles] = field(default_factory=dict)
    rows: tuple[Case, ...] | None = None
    problems: tuple[str, ...] = ()


def find_annotation_files(
    study: Study, files: Sequence[Path], *, images: Path | None = None, cases: Path | None = None
) -> AnnotationFiles:
    """Sort files by their names; they are not read.

    Args:
        study: the study that they are for.
        files: masks `<case_id><suffix>`, or folders of them.
        images: folder of `<case_id>/<channel><suffix>`, or of `<case_id><suffix>` where there is one channel.
        cases: CSV table of cases, with the columns of `cases.csv`.
    """
    masks, problems = _find_masks(study, files)
    images_of: dict[str, ImageFiles] = {}
    rows = None
    if images is not None:
        images_of, found = _find_images(study, images)
        problems += found
    if cases is not None:
        try:
            rows = read_unchecked_cases(cases)
        except StudyError as error:
            problems += error.problems
    return AnnotationFiles(masks, images_of, rows, tuple(problems))


def _find_masks(study: Study, files: Sequence[Path]) -> tuple[dict[str, Path], list[str]]:
    problems: list[str] = []
    found: dict[str, list[Path]] = {}
    for given in files:
        paths = list_files(given) if given.is_dir() else [given]
        if not paths:
            problems.append(describe_problem("a folder of masks must hold files", found="none", where=str(given)))
        for path in paths:
            case_id = strip_raster_suffix(path.name)
            if case_id == path.name:
                problems.append(describe_problem(f"a mask must be named <case_id>{study.suffix}", found=path))
            else:
                found.setdefault(case_id, []).append(path)
    if not files:
        problems.append(describe_problem("masks must be given, as files or as a folder of them", found="none"))
    for case_id, paths in found.items():
        if len(paths) > 1:
            listed = " and ".join(map(str, paths))
            problems.append(describe_problem("a case must have one mask", found=listed, where=f"case {case_id!r}"))
    return {case_id: paths[0] for case_id, paths in sorted(found.items())}, problems


def _find_images(study: Study, folder: Path) -> tuple[dict[str, ImageFiles], list[str]]:
    if not folder.is_dir():
        return {}, [describe_problem("the images of new cases must lie in a folder", found=folder)]
    problems: list[str] = []
    found: dict[str, dict[str, Path]] = {}
    for path in list_files(folder):
        place = _parse_image_name(study, path.relative_to(folder))
        where = path.relative_to(folder).as_posix()
        if place is None:
            names = f"<case_id>/<channel>{study.suffix} or, of one channel, <case_id>{study.suffix}"
            problems.append(describe_problem(f"an image must be named {names}", found=where))
        elif place[1] in found.setdefault(place[0], {}):
            rule = "a case must have one image file per channel"
            problems.append(describe_problem(rule, found=f"{where} and another one", where=f"case {place[0]!r}"))
        else:
            found[place[0]][place[1]] = path
    if not found and not problems:
        problems.append(describe_problem("the folder of images must hold files", found="none", where=str(folder)))
    return dict(found), problems


def _parse_image_name(study: Study, relative: Path) -> tuple[str, str] | None:
    """Case and channel of an image file; a colour image counts as a single channel until it is read."""
    stem = strip_raster_suffix(relative.name)
    if stem == relative.name or len(relative.parts) > 2:
        return None
    if len(relative.parts) == 2:
        return relative.parts[0], stem
    channels = study.settings.channels
    return stem, channels[0] if len(channels) == 1 else SINGLE_CHANNEL
