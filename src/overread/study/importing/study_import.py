"""Import a data set: plan by its layout, check and write every case, let the study appear whole or not at all."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from overread.errors import InputError, StudyError, describe_problem
from overread.study.cases import Case, find_case_problems, read_unchecked_cases, write_cases
from overread.study.digest import compute_files_digest
from overread.study.importing.case_writer import WrittenCase, write_case
from overread.study.importing.plan import ImportPlan, PlannedCase
from overread.study.importing.settings import CROWD_PREFIX, ImportSettings, Layout
from overread.study.output_folder import create_folder, measure_bytes
from overread.study.schema import Provenance, SourceSettings, StudySettings
from overread.study.study import CASES_FILE, IMAGES_FOLDER, LABELS_FOLDER, SETTINGS_FILE, Study
from overread.study.summary import StudySummary, summarise_study


def apply_case_table(source: Path, plan: ImportPlan) -> ImportPlan:
    """Add subjects and columns from the data set's `cases.csv`, if it has one, and put the cases in its order.

    Every image must then have a row, and every row an image.

    Raises:
        StudyError: `cases.csv` is no table with a column case_id.
    """
    path = source / CASES_FILE
    if not path.is_file():
        return _with_problems(plan, find_case_problems((case.case for case in plan.cases), where="file names"))
    rows = read_unchecked_cases(path)
    problems = find_case_problems(rows)
    planned_of = {planned.case.case_id: planned for planned in plan.cases}
    row_ids = {row.case_id for row in rows}
    problems += [
        describe_problem("a row of cases.csv must have an image", found="none", where=f"case {row.case_id!r}")
        for row in rows
        if row.case_id not in planned_of
    ]
    problems += [
        describe_problem("an image must have a row in cases.csv", found="none", where=f"case {case_id!r}")
        for case_id in planned_of
        if case_id not in row_ids
    ]
    unique = {row.case_id: row for row in rows if row.case_id in planned_of}
    cases = tuple(_merge(planned_of[case_id], row) for case_id, row in unique.items())
    return _with_problems(replace(plan, cases=cases), problems)


def _merge(planned: PlannedCase, row: Case) -> PlannedCase:
    own = planned.case
    subject_id = own.subject_id if row.subject_id == row.case_id else row.subject_id
    return replace(planned, case=Case(own.case_id, subject_id, {**own.columns, **row.columns}))


def _with_problems(plan: ImportPlan, problems: list[str]) -> ImportPlan:
    return replace(plan, problems=(*plan.problems, *problems))


_MAX_LISTED_CASES = 5


def import_study(source: Path, target: Path, *, settings: ImportSettings) -> StudySummary:
    """Import the data set at `source` as the study `target`.

    Every image and mask is read once, checked and written; `cases.csv` of the data set, if there is one, gives subjects
    and columns. Importing the same files with the same settings again gives the same bytes.

    Args:
        source: folder of the data set, or the NumPy file of the layout arrays, which is only read.
        target: folder of the new study; it must be new or empty.
        settings: layout, names, patterns and label values.

    Raises:
        InputError: `source` is no folder (no NumPy file), or `target` holds something.
        SettingsError: the settings make no valid `study.yaml`.
        StudyError: with every problem that was found; nothing is written then.
        StorageError: there is no room or no permission.
    """
    _check_source(source, settings.layout)
    plan = apply_case_table(source, _choose_planner(settings.layout)(source, settings))
    study_settings = _make_study_settings(plan, settings, target.absolute().name, channels=("image",))
    files = (path for planned in plan.cases for path in (*planned.image_files, *planned.masks.values()))
    with create_folder(target, expected_bytes=measure_bytes(files)) as folder:
        written = [write_case(folder, planned, settings, dimensions=plan.dimensions) for planned in plan.cases]
        channels = _find_usual_channels(written)
        problems = [*plan.problems, *(problem for case in written for problem in case.problems)]
        problems += [*_find_channel_problems(written, channels), *_find_value_problems(written)]
        if problems:
            raise StudyError(problems)
        study_settings = _make_study_settings(plan, settings, target.absolute().name, channels=channels)
        _write_documents(folder, source, plan, settings, study_settings)
    loads = {name: {case.case_id: case.loads[name] for case in written if name in case.loads} for name in plan.sources}
    return summarise_study(study_settings, [planned.case for planned in plan.cases], loads)


def _check_source(source: Path, layout: Layout) -> None:
    if layout == "arrays":
        if not source.is_file() or source.suffix not in (".npz", ".npy"):
            raise InputError("the data set of the layout arrays must be a .npz or .npy file", found=source)
    elif not source.is_dir():
        hint = "for a NumPy file use the layout arrays" if source.suffix in (".npz", ".npy") else ""
        raise InputError("the data set must be a folder", found=source, hint=hint)


def _choose_planner(layout: Layout) -> Callable[[Path, ImportSettings], ImportPlan]:
    if layout == "arrays":
        from overread.study.importing.arrays import plan_arrays

        return plan_arrays
    if layout == "dicom":
        from overread.study.importing.dicom import plan_dicom

        return plan_dicom
    from overread.study.importing.folders import plan_folders
    from overread.study.importing.msd import plan_msd
    from overread.study.importing.nnunet import plan_nnunet

    planners = {"folders": plan_folders, "msd": plan_msd, "nnunet": plan_nnunet}
    return planners[layout]


def _make_study_settings(
    plan: ImportPlan, settings: ImportSettings, folder_name: str, *, channels: tuple[str, ...]
) -> StudySettings:
    kinds = {name: "crowd" if name.startswith(CROWD_PREFIX) else settings.source_kind for name in plan.sources}
    values = {
        "name": settings.name or folder_name,
        "dimensions": plan.dimensions,
        "modality": settings.modality or plan.modality or "unspecified",
        "channels": channels,
        "target": settings.target or plan.target or "structure",
        "pixel_size_mm": settings.pixel_size_mm,
        "intensity": settings.intensity,
        "sources": {name: SourceSettings(kind=kind) for name, kind in kinds.items()},
    }
    return StudySettings.parse(values, where="the settings of the import")


def _find_usual_channels(written: Sequence[WrittenCase]) -> tuple[str, ...]:
    counts = Counter(case.channels for case in written if case.channels)
    return counts.most_common(1)[0][0] if counts else ()


def _find_channel_problems(written: Sequence[WrittenCase], usual: tuple[str, ...]) -> list[str]:
    return [
        describe_problem(
            f"every case must have the channels {', '.join(usual)}, as most cases do",
            found=", ".join(case.channels),
            where=f"case {case.case_id!r}",
        )
        for case in written
        if case.channels and case.channels != usual
    ]


def _find_value_problems(written: Sequence[WrittenCase]) -> list[str]:
    """A mask of one class each, but not of the same class, is two structures in disguise."""
    cases_of: dict[str, dict[float, list[str]]] = {}
    for case in written:
        for source, value in case.foreground_values.items():
            if value is not None:
                cases_of.setdefault(source, {}).setdefault(value, []).append(case.case_id)
    return [
        describe_problem(
            "the masks of a source must share one foreground value",
            found=", ".join(f"{value:g} in {_list_cases(cases)}" for value, cases in sorted(values.items())),
            where=f"source {source!r}",
            hint="choose the structure with label_values; where each of these values means it, give them all",
        )
        for source, values in cases_of.items()
        if len(values) > 1
    ]


def _list_cases(case_ids: Sequence[str]) -> str:
    listed = ", ".join(case_ids[:_MAX_LISTED_CASES])
    return listed if len(case_ids) <= _MAX_LISTED_CASES else f"{listed}, … ({len(case_ids)} cases)"


def _write_documents(
    folder: Path, source: Path, plan: ImportPlan, settings: ImportSettings, study_settings: StudySettings
) -> None:
    (folder / IMAGES_FOLDER).mkdir(exist_ok=True)
    (folder / LABELS_FOLDER).mkdir(exist_ok=True)
    study_settings.write_yaml(folder / SETTINGS_FILE)
    cases = [planned.case for planned in plan.cases]
    write_cases(folder / CASES_FILE, cases)
    study = Study(folder, study_settings, tuple(cases))
    for name in plan.sources:
        masks: Mapping[str, Path] = {
            planned.case.case_id: planned.masks[name] for planned in plan.cases if name in planned.masks
        }
        provenance = Provenance(
            operation="import",
            parents={f"{settings.layout}/{name}": compute_files_digest(source, masks.values())},
            parameters=settings.model_dump(mode="json", exclude_defaults=True),
        )
        provenance.write_yaml(study.provenance_path(name))
