"""`overread labels agreement`: how far the sources of a study agree. It imports what it needs when it is called."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from overread.evaluation.results import Interval
    from overread.evaluation.source_agreement import SourceAgreement


def agreement(
    folder: Path, *, sources: str = "", overlap: float = 0.0, output: Path | None = None, seed: int = 0
) -> None:
    """Print how far the sources of a study agree with each other, in masks, lesions and loads.

    Args:
        folder: Folder of the study.
        sources: Two or more, separated by commas; all that are neither hidden nor derived if not given. Sources of kind
            model are held against the raters.
        overlap: Intersection over union above which a lesion is found; any common voxel if 0.
        output: New folder that gets pairs.csv, cases.csv and agreement.json.
        seed: Of the resampling of subjects for intervals.
    """
    from overread.evaluation.source_agreement import measure_source_agreement, tabulate_pairs
    from overread.settings import split_list
    from overread.study.output_folder import check_is_outside_labels, create_folder
    from overread.study.study import Study

    if output is not None:
        check_is_outside_labels(folder, output)
    study = Study.open(folder)
    chosen = study.select_sources(split_list(sources))
    found, cases = measure_source_agreement(study, chosen, overlap=overlap, seed=seed)
    pairs = tabulate_pairs(found)
    print(pairs.to_string(index=False, float_format="%.3f", na_rep="–"))
    print("", *_describe(found), sep="\n")
    if output is not None:
        with create_folder(output) as partial:
            found.write(partial / "agreement.json")
            pairs.to_csv(partial / "pairs.csv", index=False, lineterminator="\n")
            cases.to_csv(partial / "cases.csv", index=False, lineterminator="\n")


def _describe(found: "SourceAgreement") -> list[str]:
    """One line per figure that is not of a pair."""
    lines = []
    if found.loads is not None:
        value, count = _write(found.loads.icc), found.loads.case_count
        lines.append(f"ICC(2,1) of loads: {value}, {count} cases with all of {', '.join(found.raters)}")
    if found.alpha is not None:
        value, count = _write(found.alpha.alpha), found.alpha.case_count
        lines.append(f"Krippendorff's alpha of voxels: {value}, {count} cases with two raters or more")
    for one in found.networks:
        against = f"{one.prediction} with {', '.join(one.references)} over agreement {one.yardstick}"
        lines.append(f"{against}: {_write(one.ratio)} = {one.network:.3f} / {one.raters:.3f}, {one.case_count} cases")
    if found.distributions is not None:
        sets = found.distributions
        lines.append(
            f"{', '.join(sets.networks)} as a set against the raters: soft Dice {sets.soft_dice:.3f}, "
            f"generalised energy distance {sets.energy_distance:.3f}, {sets.case_count} cases"
        )
    return lines


def _write(interval: "Interval | None") -> str:
    from overread.report.formatting import write_interval

    if interval is None:
        return "undefined"
    written = write_interval(interval)
    return f"{written.estimate} ({written.bounds})"
