"""`overread labels …`: compare label sets and make new ones. Every command imports what it needs when it is called."""

from pathlib import Path

from cyclopts import App

labels_app = App(name="labels", help_format="plaintext", help="Compare label sets and make new ones.")
labels_app.command("overread.cli.agreement:agreement", help="Print how far the sources of a study agree.")


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
def check_outlines(folder: Path, *, source: str, reach: int = 5, seed: int = 0, output: Path | None = None) -> None:
    """Say whether outlines are drawn inside or outside the edges of the images, and how far; no clean label is needed.

    Args:
        folder: Folder of the study.
        source: Whose outlines.
        reach: Steps that outlines are moved to each side, 2 or more; a pixel each, in 3D the coarsest in-plane voxel.
        seed: Of the bootstrap over subjects.
        output: New folder for a figure and the tables behind it, case by case.
    """
    from overread.runs import check_outlines as step

    print(step.run(folder, source=source, reach=reach, seed=seed, output=output))


@labels_app.command
def add(folder: Path, masks: Path) -> None:
    """Add the predictions that a pipeline left to a study, as a source of kind model.

    Args:
        folder: Folder of the study.
        masks: Folder of the masks; its name becomes the source's name, and its provenance lies beside it.
    """
    from overread.runs.derived_source import add_predictions

    add_predictions(folder, masks)
    print(f"added {masks.name}; version it with `overread study commit`")


@labels_app.command
def relabel(
    folder: Path,
    *,
    source: str,
    uncertainty: Path,
    rule: str = "auto",
    threshold: float | None = None,
    clean_source: str = "",
    clean_cases: str = "",
    most_growth: float = 4.0,
    most_of_image: float = 0.6,
    least_area: float = 0.1,
    largest_change: float | None = None,
    name: str = "",
    output: Path | None = None,
) -> None:
    """Make a copy of a source that is repaired by what networks say of it, and a list for review.

    Args:
        folder: Folder of the study.
        source: The labels to repair; they stay as they are.
        uncertainty: Folder of the maps that `overread uncertainty` wrote.
        rule: Grow labels to the edges of images (edge), as clean cases say (clean), or let uncertain voxels change
            sides, all (paper) or those that the mean prediction contradicts (contradicted). With auto: contradicted
            where a threshold is given, clean where clean cases are, else edge.
        threshold: Uncertainty, of at most 0.25, above which voxels change sides (paper, contradicted); chosen from the
            maps if not given.
        clean_source: The source whose labels of the clean cases count as right.
        clean_cases: Cases whose clean labels may be looked at, separated by commas; five or more.
        most_growth: Largest area of a new label as a multiple of the given one; a case beyond a limit is left alone.
        most_of_image: Largest share of an image that a new label may cover.
        least_area: Smallest area of a new label as a multiple of the given one.
        largest_change: Share of its labelled voxels that may change in a case; no such limit if not given.
        name: Name of the new source; SOURCE-relabelled if not given.
        output: New folder for the review list; .overread/review/NAME of the study if not given.
    """
    from overread.questions.relabel.steps import relabel_labels
    from overread.questions.relabel.steps.settled_change import RelabelChoice
    from overread.settings import split_list

    guards = {
        "most_growth": most_growth,
        "most_of_image": most_of_image,
        "least_area": least_area,
        "largest_change": largest_change,
    }
    values = {
        "rule": rule,
        "threshold": threshold,
        "guards": guards,
        "clean_source": clean_source,
        "clean_cases": split_list(clean_cases),
    }
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
    from overread.questions.relabel.steps import accept_labels
    from overread.settings import split_list

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
    from overread.runs import perturb_labels

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
    from overread.runs import make_consensus
    from overread.settings import split_list

    settings = ConsensusSettings.parse({"method": method}, where="overread labels consensus")
    print(make_consensus.run(folder, settings, sources=split_list(sources), name=name))
