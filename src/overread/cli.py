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


@labels_app.command
def consensus(folder: Path, *, sources: str, method: str, name: str = "") -> None:
    """Make a consensus of several sources, as a new source.

    Args:
        folder: Folder of the study.
        sources: Whose votes count, two or more, separated by commas; a source has no vote on cases it has not labelled.
        method: majority (a tie is background) or staple (weighs each rater by how often the others confirm it).
        name: Name of the new source; consensus-METHOD if not given.
    """
    from overread.labels.consensus import ConsensusSettings
    from overread.settings import split_list
    from overread.steps import make_consensus

    settings = ConsensusSettings.parse({"method": method}, where="overread labels consensus")
    print(make_consensus.run(folder, settings, sources=split_list(sources), name=name))


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
def disagreement(
    *,
    output: Path,
    ratings: str = "",
    outcomes: str = "",
    study: Path | None = None,
    source: Annotated[tuple[str, ...], Parameter(consume_multiple=True, negative=())] = (),
    outcome: str = "",
    positive: str = "",
    columns: str = "",
    preset: str = "ratings",
    folds: int = 0,
    seed: int = 0,
) -> None:
    """Tell an outcome from ratings, or from the disagreement of the sources of a study, and write a report.

    Args:
        output: Folder that gets report.html and the tables behind it.
        ratings: CSV table of ratings, a path or s3:// URL; long (case_id, annotator, feature, value) or one column per
            feature and annotator.
        outcomes: CSV table with the outcome of each case, a path or s3:// URL.
        study: Folder of a study, instead of ratings and outcomes.
        source: Sources of the study to compare; all that are not derived from others if none is given.
        outcome: Column with two classes; the only one of the table, or that named in study.yaml, if not given.
        positive: Value of the positive class; 1, yes or true, or else the last in alphabetical order, if not given.
        columns: Pattern of the columns of ratings, as {feature}_{annotator}; guessed if not given.
        preset: ratings, cheplygina2018, or the path of a YAML file.
        folds: Folds of the cross-validation; those of the preset if 0.
        seed: Another seed divides the cases into other folds.
    """
    from overread.steps import analyse_disagreement, write_disagreement_report

    values: dict[str, object] = {"outcome": outcome, "positive": positive, "columns": columns, "sources": source}
    values |= {"preset": preset, "folds": folds, "seed": seed}
    choice = analyse_disagreement.DisagreementChoice.parse(values, where="overread disagreement")
    analyse_disagreement.run(choice, ratings=ratings, outcomes=outcomes, study_folder=study, output=output)
    print(write_disagreement_report.summarise(output, report_file=output / "report.html"))


@app.command
def acquisition_bias(
    folder: Path,
    *,
    output: Path,
    column: str,
    preset: str = "small",
    classes: str = "",
    folds: int | None = None,
    seed: int = 0,
    processes: int | None = None,
    device: str = "auto",
) -> None:
    """Probe whether the images of a study tell how they were acquired, and where in the image that shows.

    Args:
        folder: Folder of the study; it needs no sources.
        output: New folder for the report and all that it is made from.
        column: Column of cases.csv that the probe is to name, for example manufacturer.
        preset: small, ferrari (the paper's) or the path of a YAML file.
        classes: Values of the column to tell apart, separated by commas; all if not given.
        folds: Rounds of the cross-validation, 3 or more; the preset's if not given.
        seed: Another seed draws other folds, starts and shuffles.
        processes: Probes trained side by side; as many as there are cores if not given.
        device: auto, cpu or cuda.
    """
    from overread.settings import split_list
    from overread.steps import probe_acquisition
    from overread.steps.plan_probes import ProbeChoice

    values = {"column": column, "preset": preset, "classes": split_list(classes), "folds": folds, "seed": seed}
    choice = ProbeChoice.parse(values, where="overread acquisition-bias")
    print(probe_acquisition.run(folder, output, choice, processes=processes, device=device))


@app.command
def presets() -> None:
    """List the presets."""
    from overread.presets import list_presets, read_preset
    from overread.presets.crowd import list_crowd_presets, read_crowd_preset

    for name in list_presets():
        print(f"{name}: {read_preset(name).description}")
    for name in list_crowd_presets():
        print(f"{name} (disagreement): {read_crowd_preset(name).description}")


def main() -> None:
    """Run the command line; an error of Overread is one message and exit code 2."""
    try:
        app()
    except OverreadError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
