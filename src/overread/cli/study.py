"""`overread study …`: make, check and convert studies. Every command imports what it needs when it is called."""

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from overread.study.importing.settings import ImportSettings

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
    from overread.steps import make_study
    from overread.study.summary_table import format_summary

    made = make_study.from_data_set(source, folder, settings=settings or ImportSettings(), remote=remote)
    print(format_summary(made))


@study_app.command
def demo(folder: Path, *, seed: int = 0, remote: str | None = None, versioned: bool = True) -> None:
    """Make the synthetic demo study, as a git and DVC repository.

    Args:
        folder: Folder of the new study.
        seed: The same seed gives the same bytes.
        remote: DVC remote, s3://bucket/prefix or a folder; a folder beside the study if not given.
        versioned: Make it a repository; without, it can be tracked by the DVC repository that it lies in.
    """
    from overread.steps import make_study
    from overread.study.summary_table import format_summary

    print(format_summary(make_study.from_nothing(folder, seed=seed, remote=remote, versioned=versioned)))


@study_app.command
def check(folder: Path) -> None:
    """Read every file of a study and name all its problems.

    Args:
        folder: Folder of the study.
    """
    from overread.study.check import check_study
    from overread.study.summary_table import format_summary

    print(format_summary(check_study(folder)))


@study_app.command
def info(folder: Path) -> None:
    """Show cases, sources and loads of a study.

    Args:
        folder: Folder of the study.
    """
    from overread.study.study import Study
    from overread.study.summary import describe_study
    from overread.study.summary_table import format_summary

    print(format_summary(describe_study(Study.open(folder))))


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
def export(folder: Path, target: Path, *, layout: str, source: str) -> None:
    """Write one source of a study for another tool.

    Args:
        folder: Folder of the study.
        target: Folder to write.
        layout: nnunet (nnU-Net raw) or bids (BIDS derivatives).
        source: Which label set.
    """
    from overread.steps import export_study

    print(export_study.run(folder, target, layout=layout, source=source))
