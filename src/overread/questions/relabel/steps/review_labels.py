"""Step: leave a review list of relabelled masks, as tables and as a page."""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import overread
from overread.questions.relabel.page.review import RelabelledLabels, write_review_page
from overread.questions.relabel.review import CaseReview, rank_reviews
from overread.questions.relabel.review_regions import ReviewSettings
from overread.questions.relabel.review_tables import write_review_tables
from overread.report.context import RunContext
from overread.runs.fingerprint import compute_code_digest
from overread.study.digest import compute_images_digest, compute_study_digest
from overread.study.schema import Provenance
from overread.study.study import Study

REVIEW_PAGE = "review.html"
LISTING = ReviewSettings()


def write_review(
    folder: Path, reviews: Iterable[CaseReview], *, study: Study, labels: RelabelledLabels, context: RunContext
) -> None:
    """Put cases and regions in order, and write `cases.csv`, `regions.csv` and `review.html`.

    Args:
        folder: gets the files; it is made.
        reviews: what there is to look at in each case.
        study: where images and labels are read.
        labels: what is under review.
        context: where the labels come from.
    """
    review, settings = rank_reviews(reviews), study.settings
    write_review_tables(folder, review, dimensions=settings.dimensions, load_unit=settings.load_unit)
    write_review_page(folder / REVIEW_PAGE, review, study=study, labels=labels, context=context)


def describe_origin(study: Study, source: str, provenance: Provenance) -> RunContext:
    """What a page says about its making when it was made outside a pipeline.

    Args:
        study: the study as it is on disk, which may hold changes that no revision has.
        source: the labels that were relabelled.
        provenance: of the relabelled ones.
    """
    digests = {source: provenance.parents[source]}
    return RunContext(
        pipeline="labels relabel",
        study=study.settings.name,
        revision="working tree",
        study_digest=compute_study_digest(compute_images_digest(study), digests),
        source_digests=digests,
        code_version=overread.__version__,
        code_digest=compute_code_digest(),
        preset="none",
        settings_yaml=provenance.model_copy(update={"cases": {}}).to_yaml(),
        created=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
    )
