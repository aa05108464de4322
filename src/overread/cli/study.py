"""`overread study …`: make, check and convert studies. Every command imports what it needs when it is called."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Parameter

from overread.study.importing.settings import ImportSettings

if TYPE_CHECKING:
    from overread.study.summary import StudySummary

study_app = App(name="study", help_format="plaintext", help="Make, check and convert studies.")


@study_app.command(name="import")
def import_(
    source: Path,
    folder: Path,
    *,
    settings: Annotated[ImportSettings | None, Parameter(name="*")] = None,
    remote: str | None = None,
) -> None:
    """Make a study, as a git and DVC repository, from a data set.

    Args:
        source: Folder of the data set; for the layout arrays a .npz or .npy file.
        folder: Folder of the new study.
        settings: How to read the data set.
        remote: DVC remote, s3://bucket/prefix or a folder; a folder beside the study if not given.
    """
    from overread.runs import make_study

    made = make_study.from_data_set(source, folder, settings=settings or ImportSettings(), remote=remote)
    print(_format_summary(made))


@study_app.command
def demo(
    folder: Path,
    *,
    kind: str = "lesions",
    seed: int | None = None,
    cases: int | None = None,
    size: int | None = None,
    train_cases: int | None = None,
    validation_cases: int | None = None,
    test_cases: int | None = None,
    remote: str | None = None,
    versioned: bool = True,
) -> None:
    """Make a synthetic demo study, as a git and DVC repository.

    Args:
        folder: Folder of the new study.
        kind: lesions (3D, many on FLAIR and T1), skin (2D, one soft lesion per image, with hair) or organ (2D, one
            small and sharp).
        seed: The same seed gives the same bytes; 0 if not given.
        cases: Number of scans (lesions), at least 4, 18 if not given; fewer are made and learnt faster.
        size: Side of the images in px (skin, organ), 64 if not given.
        train_cases: Number of images to train on (skin, organ), 300 if not given.
        validation_cases: Number of images to validate on (skin, organ), 40 if not given.
        test_cases: Number of images to test on (skin, organ), 80 if not given.
        remote: DVC remote, s3://bucket/prefix or a folder; a folder beside the study if not given.
        versioned: Make it a repository; without, it can be tracked by the DVC repository that it lies in.
    """
    from overread.runs import make_study

    values = {"seed": seed, "cases": cases, "size": size, "train-cases": train_cases}
    values |= {"validation-cases": validation_cases, "test-cases": test_cases}
    options = {name: value for name, value in values.items() if value is not None}
    made = make_study.from_nothing(folder, kind, options, remote=remote, versioned=versioned)
    print(_format_summary(made))


@study_app.command
def check(folder: Path) -> None:
    """Read every file of a study and name all its problems.

    Args:
        folder: Folder of the study.
    """
    from overread.study.check import check_study

    print(_format_summary(check_study(folder)))


@study_app.command
def info(folder: Path) -> None:
    """Show cases, sources and loads of a study.

    Args:
        folder: Folder of the study.
    """
    from overread.study.study import Study
    from overread.study.summary import describe_study

    print(_format_summary(describe_study(Study.open(folder))))


@study_app.command
def commit(folder: Path, *, message: str) -> None:
    """Version the present content of a study with git and DVC, and push the data to its remote.

    Args:
        folder: Folder of the study.
        message: What changed.
    """
    from overread.adapters.versioning import commit_study
    from overread.study.check import check_study

    check_study(folder)
    print(commit_study(folder, message))


@study_app.command
def add(
    folder: Path,
    *files: Path,
    source: str,
    images: Path | None = None,
    cases: Path | None = None,
    kind: str | None = None,
    replace: bool = False,
    message: str = "",
    dry_run: bool = False,
) -> None:
    """Check new annotations, make them part of a study, commit them, and push data and commit.

    Args:
        folder: Folder of the study.
        files: Masks named CASE.nii.gz (3D) or CASE.png (2D), or a folder of them.
        source: Whose masks they are.
        images: Folder with the images of new cases: CASE/CHANNEL.nii.gz, or CASE.nii.gz for one channel (2D: .png).
        cases: CSV table with rows for the new cases, with the columns of cases.csv.
        kind: Kind of a new source: human, crowd, semi-automatic or synthetic.
        replace: Let masks take the place of those that the source holds; these stay in the revisions so far.
        message: What the commit says; how many masks are new and replaced if not given.
        dry_run: Only check and say what would be done.
    """
    from overread.runs import add_labels
    from overread.study.delivery.settings import AnnotationSettings

    values = {"source": source, "kind": kind, "replace": replace}
    settings = AnnotationSettings.parse(values, where="overread study add")
    delivery = add_labels.Delivery(files, images, cases)
    print(add_labels.run(folder, delivery, settings, message=message, dry_run=dry_run).describe())


@study_app.command
def watch_state(study: str, *, since: str, revision: str = "", format: Literal["text", "json"] = "text") -> None:
    """Say whose labels changed since a revision, from digests alone; no image and no mask is fetched.

    Args:
        study: Folder or URL of the study's git repository.
        since: Commit, branch or tag.
        revision: The commit, branch or tag to compare with it; the newest commit if not given.
        format: text for people, json for programs.
    """
    from overread.adapters.source_state import compare_study_revisions

    state = compare_study_revisions(study, since=since, revision=revision)
    print(state.to_json() if format == "json" else state.to_text())


@study_app.command
def export(folder: Path, target: Path, *, layout: str, source: str) -> None:
    """Write one source of a study for another tool.

    Args:
        folder: Folder of the study.
        target: Folder to write.
        layout: nnunet (nnU-Net raw) or bids (BIDS derivatives).
        source: Which label set.
    """
    from overread.study.exporting import export_study

    print(export_study(folder, target, layout=layout, source=source))


def _format_summary(summary: "StudySummary") -> str:
    """A study as a table for people: the study itself, and one line per source."""
    lines = [
        f"{summary.name}: {summary.modality}, {summary.dimensions}D, channels {', '.join(summary.channels)}; "
        f"{summary.case_count} cases of {summary.subject_count} subjects",
        f"columns of cases.csv: {', '.join(summary.columns) or 'none'}",
    ]
    if not summary.sources:
        return "\n".join([*lines, "no sources"])
    width = max(len(name) for name in [*summary.sources, "source"]) + 2
    lines.append(f"{'source':{width}}{'kind':16}{'labelled':>9}{'missing':>9}{'empty':>7}  mean load")
    for name, source in summary.sources.items():
        load = "–" if source.mean_load is None else f"{source.mean_load:.4g} {summary.load_unit}"
        counts = f"{source.labelled:9}{source.missing:9}{len(source.empty_cases):7}"
        lines.append(f"{name:{width}}{source.kind:16}{counts}  {load}")
    return "\n".join(lines)
