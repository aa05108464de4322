"""The command line `overread`. Every command imports what it needs when it is called."""

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from overread import __version__
from overread.errors import OverreadError
from overread.steps.training_choice import TrainingChoice
from overread.study.importing.settings import ImportSettings

app = App(
    name="overread",
    version=__version__,
    help_format="plaintext",
    help="Measure how much the choice of annotator, scanner or label quality shapes a segmentation network.",
)
study_app = App(name="study", help_format="plaintext", help="Make, check and convert studies.")
labels_app = App(name="labels", help_format="plaintext", help="Compare and add label sets.")
app.command(study_app)
app.command(labels_app)


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
        source: Folder of the data set.
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


@labels_app.command
def compare(folder: Path, *, reference: str, prediction: str, tolerance: float | None = None) -> None:
    """Print the agreement of two sources of a study, case by case, as CSV.

    Args:
        folder: Folder of the study.
        reference: The source that is taken as the reference.
        prediction: The source that is compared with it.
        tolerance: Tolerance of the surface Dice, in the study's length unit; 1 mm in 3D if not given.
    """
    from overread.evaluation.compare import compare as compare_label_sets
    from overread.study.study import Study

    study = Study.open(folder)
    study.select_sources([reference, prediction])
    frame = compare_label_sets(study.labels(reference), study.labels(prediction), study=study, tolerance=tolerance)
    print(frame.to_csv(index=False, float_format="%.6g"), end="")


@labels_app.command
def add(folder: Path, masks: Path) -> None:
    """Add the predictions that a pipeline left to a study, as a source of kind model.

    Args:
        folder: Folder of the study.
        masks: Folder of the masks; its name becomes the source's name, and its provenance lies beside it.
    """
    from overread.steps import add_predictions

    add_predictions.run(folder, masks)
    print(f"added {masks.name}; version it with `overread study commit`")


@labels_app.command
def relabel(
    folder: Path,
    *,
    source: str,
    uncertainty: Path,
    threshold: float | None = None,
    flips: str = "contradicted",
    largest_change: float = 0.5,
    name: str = "",
    output: Path | None = None,
) -> None:
    """Make a copy of a source in which labels change sides where networks are uncertain, and a list for review.

    Args:
        folder: Folder of the study.
        source: The labels to repair; they stay as they are.
        uncertainty: Folder of the maps that `overread uncertainty` wrote.
        threshold: A voxel changes sides above this uncertainty, of at most 0.25; chosen from the maps if not given.
        flips: Which uncertain labels change sides: contradicted (by the mean prediction) or uncertain (all of them).
        largest_change: Share of its labelled voxels that may change in a case; one beyond it is left alone.
        name: Name of the new source; SOURCE-relabelled if not given.
        output: New folder for the review list; .overread/review/NAME of the study if not given.
    """
    from overread.steps import relabel_labels
    from overread.steps.relabel_source import RelabelChoice

    values = {"threshold": threshold, "flips": flips, "largest_change": largest_change}
    choice = RelabelChoice.parse(values, where="overread labels relabel")
    print(relabel_labels.run(folder, source, choice, uncertainty=uncertainty, name=name, output=output))


@labels_app.command
def accept(folder: Path, *, source: str, cases: str, name: str = "") -> None:
    """Make a source of the relabelled masks that a reviewer accepts, and of the given masks for all other cases.

    Args:
        folder: Folder of the study.
        source: A source that `overread labels relabel` made.
        cases: The accepted cases, separated by commas.
        name: Name of the new source; that of the given labels with -reviewed if not given.
    """
    from overread.settings import split_list
    from overread.steps import accept_labels

    print(accept_labels.run(folder, source=source, case_ids=split_list(cases), name=name))


@labels_app.command
def perturb(
    folder: Path,
    *,
    source: str,
    mode: str,
    dice: float | None = None,
    vertices: int | None = None,
    smooth: bool = False,
    seed: int = 0,
    volumetric: bool = False,
    axis: int | None = None,
    output: Path | None = None,
) -> None:
    """Make a copy of a source with label errors, as large as a mean Dice with the clean masks or few vertices say.

    Args:
        folder: Folder of the study.
        source: The clean source; the copy becomes the source SOURCE-MODE-DICE or SOURCE-polygon-VERTICES of the study.
        mode: natural (wavy boundaries), choppy (ragged rows), random (single voxels) or polygon (few vertices).
        dice: Mean Dice of the cases with the clean masks, for example 0.90 (all but polygon).
        vertices: Points that are left of each contour, 3 or more (polygon).
        smooth: Join them by a smooth closed curve instead of straight lines (polygon).
        seed: Another seed draws other errors of the same size.
        volumetric: Work on whole 3D masks instead of slice by slice (natural and random).
        axis: Axis along which runs are made ragged (choppy); the rows if not given.
        output: Folder that gets masks and provenance instead of the study.
    """
    from overread.labels.settings import VariantSettings
    from overread.steps import perturb_labels

    values = {"mode": mode, "dice": dice, "vertices": vertices, "smooth": smooth, "seed": seed}
    values |= {"volumetric": volumetric, "axis": axis}
    variant = VariantSettings.parse(values, where="overread labels perturb")
    print(perturb_labels.run(folder, variant, source=source, output=output))


@app.command
def train(folder: Path, output: Path, *, choice: Annotated[TrainingChoice, Parameter(name="*")]) -> None:
    """Train one network on all labelled cases of a source, some of them kept for validation.

    Args:
        folder: Folder of the study.
        output: Folder that gets the network; a training that was interrupted there goes on.
        choice: Whose labels to learn, and how.
    """
    from overread.steps import train_one
    from overread.steps.output_folder import check_is_outside_labels

    check_is_outside_labels(folder, output)
    train_one.run(folder, output, choice)


@app.command
def predict(folder: Path, network: Path, output: Path, *, case: tuple[str, ...] = (), device: str = "auto") -> None:
    """Outline cases of a study with a trained network.

    Args:
        folder: Folder of the study.
        network: Folder that `overread train` wrote.
        output: Folder that gets one mask per case.
        case: Cases to predict; all if none is given.
        device: auto, cpu or cuda.
    """
    from overread.steps import predict_one
    from overread.steps.output_folder import check_is_outside_labels, check_masks_are_free
    from overread.study.study import Study

    check_is_outside_labels(folder, output)
    check_masks_are_free(Study.open(folder), output, case)
    predict_one.run(folder, network, output, case_ids=case, device=device)


@app.command
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
    from overread.inference.uncertainty_settings import UncertaintySettings
    from overread.steps import estimate_uncertainty

    values = {"method": method, "samples": samples, "seed": seed}
    settings = UncertaintySettings.parse(values, where="overread uncertainty")
    estimate_uncertainty.run(folder, output, network, settings=settings, case_ids=case, device=device)


@app.command
def presets() -> None:
    """List the presets."""
    from overread.presets import list_presets, read_preset

    for name in list_presets():
        print(f"{name}: {read_preset(name).description}")


def main() -> None:
    """Run the command line; an error of Overread is one message and exit code 2."""
    try:
        app()
    except OverreadError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
